#!/bin/sh
set -e
if [ "$DATABASE" = "postgres" ]; then
    echo "waiting"
    while ! nc -z $SQL_HOST $SQL_PORT; do
      sleep 0.1
    done
fi
python manage.py migrate
python manage.py collectstatic --no-input
exec "$@"
