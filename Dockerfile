# One image for web, worker, beat, migration and simulator; what it does is the command's matter (docker-compose.yml).

FROM python:3.12-slim AS dependencies
COPY requirements.lock /
RUN python -m venv --without-pip /venv \
    && pip --disable-pip-version-check --no-cache-dir --python /venv/bin/python \
    install --require-hashes --only-binary :all: -r /requirements.lock

FROM python:3.12-slim
RUN groupadd --system --gid 10001 instainstru \
    && useradd --system --uid 10001 --gid instainstru --home-dir /app --shell /usr/sbin/nologin instainstru \
    && install --directory --owner=instainstru --group=instainstru /srv/media /srv/simulator
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MEDIA_ROOT=/srv/media \
    GUNICORN_CMD_ARGS="--bind=0.0.0.0:8000 --workers=2 --threads=4 --keep-alive=75 --worker-tmp-dir=/dev/shm"
WORKDIR /app
COPY --from=dependencies /venv /venv
COPY . .
# Settings refuse to start without these; none of them opens anything, and none is kept in the image.
RUN DJANGO_DEBUG=0 DJANGO_SECRET_KEY=for-this-step-only DJANGO_ALLOWED_HOSTS=none \
    DATABASE_URL=postgresql://none/none REDIS_URL=redis://none STRIPE_SECRET_KEY=sk_test_000000000000000000000000 \
    STRIPE_WEBHOOK_SECRET=whsec_none SITE_URL=https://none \
    python manage.py collectstatic --no-input
USER 10001
EXPOSE 8000
# Any answer below 500 is life: a production that only takes its own host name answers this probe with 400.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "-c", "\
import http.client, sys; \
connection = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); \
connection.request('GET', '/healthz'); \
sys.exit(connection.getresponse().status >= 500)"]
CMD ["gunicorn", "instainstru.wsgi:application"]
