"""The page of a student's credits."""

from django.urls import path

from credits import web

urlpatterns = [path("credits", web.wallet, name="wallet")]
