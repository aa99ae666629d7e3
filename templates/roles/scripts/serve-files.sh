#!/bin/sh
# Hands out a folder's files on the port that PORT names; a path that is no file gets the folder's index.html.
#
#     serve-files.sh FOLDER
#
# Makes way for nginx. All that it writes is in /tmp.
set -eu

cat >/tmp/nginx.conf <<END
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr warn;
events {
    worker_connections 512;
}
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path /tmp/client_temp;
    proxy_temp_path /tmp/proxy_temp;
    fastcgi_temp_path /tmp/fastcgi_temp;
    uwsgi_temp_path /tmp/uwsgi_temp;
    scgi_temp_path /tmp/scgi_temp;
    server {
        listen ${PORT:-8080};
        root $1;
        location / {
            try_files \$uri \$uri/ \$uri.html /index.html =404;
        }
    }
}
END
exec nginx -c /tmp/nginx.conf -g 'daemon off;'
