#!/usr/bin/env bash
# Makes the certificates of the test server: a CA of its own, and one for localhost and for Google's
# token endpoint, which the tests reach through a proxy that leads to the test server. They are
# valid for a hundred years and trusted by nobody but the tests.
set -euo pipefail
cd "$(dirname "$0")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
  -subj '/CN=spanprof test CA' -keyout ca.key -out ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
  -subj '/CN=localhost' -keyout server.key -out server.csr
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 1 -days 36500 \
  -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:oauth2.googleapis.com') -out server.pem
rm -f ca.key server.csr
