#!/bin/sh

if [ "$DATABASE" = "postgres" ]
then
    echo "Waiting to migrate..."
fi

exec "$@"
