"""Pages of students and instructors."""

from django.urls import path
from django.views.generic import TemplateView

urlpatterns = [
    path("bookings/<str:ref>/", TemplateView.as_view(), name="booking"),
    path("bookings/<str:ref>/paid", TemplateView.as_view(), name="booking-paid"),
    path("credits/", TemplateView.as_view(), name="wallet"),
]
