#!/bin/sh
if [ -r /etc/vault.sh ]; then
    . /etc/vault.sh
fi
exec /vault "${@}"
