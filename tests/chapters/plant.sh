# Sourced by chapters that need a plant: a real broker with TLS, a configuration, and words to a unit.
# Everything lies below $work and on ports that were free a moment ago. Nothing here runs by itself.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034,SC2120  # $work and $pid come from lib.sh; chapters use what is set here

tls="$work/tls"

# An authority, a certificate of the broker, one of each client, and one of a stranger.
make_certificates() {
    mkdir -p "$tls"
    authority() {
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$2" \
            -keyout "$tls/$1.key" -out "$tls/$1.pem" 2>/dev/null
    }
    certificate() {
        openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$tls/$2.key" -out "$tls/$2.csr" 2>/dev/null
        openssl x509 -req -in "$tls/$2.csr" -CA "$tls/$1.pem" -CAkey "$tls/$1.key" -CAcreateserial -days 2 \
            -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") -out "$tls/$2.pem" 2>/dev/null
    }
    authority plant-ca "Test plant"
    authority other-ca "Somebody else"
    certificate plant-ca broker
    certificate plant-ca gateway
    certificate plant-ca store
    certificate other-ca stranger
    chmod 600 "$tls"/*.key
}

# broker_start PERSISTENCE(true|false): Mosquitto with TLS and client certificates on $tls_port, and a plain
# listener on $plain_port for the test's own eyes and for whoever tells a unit its step.
broker_start() {
    plain_port="${plain_port:-$(free_port)}" tls_port="${tls_port:-$(free_port)}"
    mkdir -p "$work/broker"
    cat >"$work/broker.conf" <<CONF
persistence $1
persistence_location $work/broker/
autosave_interval 1
max_queued_messages 0
max_inflight_messages 0
log_type none
allow_anonymous true
listener $plain_port 127.0.0.1
listener $tls_port 127.0.0.1
cafile $tls/plant-ca.pem
certfile $tls/broker.pem
keyfile $tls/broker.key
require_certificate true
use_identity_as_username true
CONF
    [ "$(id -u)" != 0 ] || echo "user root" >>"$work/broker.conf"
    start "$work/broker.log" mosquitto -c "$work/broker.conf"
    broker_pid=$pid
    within 10 mosquitto_pub -p "$plain_port" -t up -n 2>/dev/null || {
        cat "$work/broker.log"
        fail "the broker did not come up"
    }
}

# As a power cut would: no word to anybody.
broker_kill() {
    kill -KILL "$broker_pid"
    wait "$broker_pid" 2>/dev/null || true
}

# moment [SECONDS_AGO]: now, or a little before, as the record writes it.
moment() { date -u -d "@$(awk -v ago="${1:-0}" -v now="$(date +%s.%N)" 'BEGIN { printf "%.3f", now - ago }')" +%Y-%m-%dT%H:%M:%S.%3NZ; }

# tell GATEWAY UNIT NUMBER BATCH-JSON RUNS-JSON: the context of a unit, retained, as its authority would.
tell() {
    printf '{"number":%s,"sent":"%s","source":"mes","batch":%s,"runs":%s}' "$3" "$(moment)" "$4" "$5" |
        mosquitto_pub -p "$plain_port" -q 1 -r -s -t "steelyard/$1/context/$2"
}
