#!/bin/sh
# Ask a server with nothing but curl.
#
#   headstart serve tickets-model photos-model &
#   sh examples/curl.sh http://127.0.0.1:8000 PHOTO
#
# HEADSTART_TOKEN is sent where the server wants one.
set -eu
url=$1 photo=$2

ask() {
    curl --fail-with-body --silent --show-error --retry 3 \
        --header "Authorization: Bearer ${HEADSTART_TOKEN:-}" --write-out '\n' "$@"
}

echo "Is it ready? Which models are there?"
ask "$url/v2/health/ready"
ask --request POST "$url/v2/repository/index"

echo "Texts, as JSON"
ask --json '{"items": ["They charged my card twice.", "My mortgage was sold."], "top": 1}' \
    "$url/v1/models/tickets-model/predict"

echo "Texts, as a table"
printf 'id,text\n7,"A debt collector calls me, at work."\n' |
    ask --header 'Content-Type: text/csv' --data-binary @- "$url/v1/models/tickets-model/predict?top=1"

echo "A photo, as the file that it is"
ask --form "items=@$photo" "$url/v1/models/photos-model/predict?top=2"

echo "The Open Inference Protocol"
ask --json '{"inputs": [{"name": "items", "datatype": "BYTES", "shape": [1], "data": ["My mortgage was sold."]}]}' \
    "$url/v2/models/tickets-model/infer"
