#!/bin/sh
# Set and get over `diptych stdio`, pipelined from a file, beside redis-server over a Unix socket: benches/redis.sh
#
# Both without fsync, values of 3 bytes, one million requests of each kind: on one key, and on KEYS keys. Five runs of
# each in turn, the median of each side, and the ratio. Installs nothing; ends with a message where redis is missing.
# redis-benchmark draws its keys at random, ours come by rule; it sends 64 requests at a time and waits for them on
# each of its 50 connections, ours are read as they come. Ours has the cost of JSON and of parsing a script.
#
# REQUESTS, KEYS and RUNS in the environment change the counts; DIPTYCH names a binary that is built already.
set -eu

REQUESTS=${REQUESTS:-1000000}
KEYS=${KEYS:-100000}
RUNS=${RUNS:-5}

for tool in redis-server redis-cli redis-benchmark; do
    if ! command -v "$tool" > /dev/null; then
        echo "redis.sh: $tool is not on the PATH; install redis (Debian: redis-server, redis-tools) to have a peer"
        exit 0
    fi
done

cd "$(dirname "$0")/.."
if [ -z "${DIPTYCH:-}" ]; then
    cargo build --release -p diptych --bin diptych
    DIPTYCH=${CARGO_TARGET_DIR:-target}/release/diptych
fi

DIR=$(mktemp -d)
SERVER=
end() {
    [ -z "$SERVER" ] || kill "$SERVER" 2> /dev/null || true
    rm -rf "$DIR"
}
trap end EXIT
trap 'exit 1' INT TERM

redis-server --port 0 --unixsocket "$DIR/redis.sock" --save '' --appendonly no --dir "$DIR" > "$DIR/redis.log" 2>&1 &
SERVER=$!
tries=0
until redis-cli -s "$DIR/redis.sock" ping > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -le 100 ] || { echo "redis.sh: redis-server does not answer; its log:"; cat "$DIR/redis.log"; exit 1; }
    sleep 0.1
done

# Requests of one kind: set or get, over so many keys.
requests() {
    awk -v n="$REQUESTS" -v keys="$2" -v kind="$1" 'BEGIN {
        print "{\"op\":\"principal\",\"entity\":\"bench\",\"scopes\":{\"bench\":\"READ_WRITE\"}}"
        print "{\"op\":\"session\",\"session\":\"s\",\"entity\":\"bench\",\"scope\":\"bench\"}"
        # So that every get finds something.
        if (kind == "get") for (key = 0; key < keys; key++)
            printf "{\"op\":\"run\",\"session\":\"s\",\"script\":\"(core/kv/set key:%012d xxx)\"}\n", key
        for (i = 0; i < n; i++) {
            key = (i * 7919) % keys
            if (kind == "set") printf "{\"op\":\"run\",\"session\":\"s\",\"script\":\"(core/kv/set key:%012d xxx)\"}\n", key
            else printf "{\"op\":\"run\",\"session\":\"s\",\"script\":\"(core/kv/get key:%012d)\"}\n", key
        }
    }' > "$DIR/$1.$2.jsonl"
}

# Requests a second of ours; all lines count, the few that prepare too.
ours() {
    lines=$(wc -l < "$DIR/$1.$2.jsonl")
    start=$(date +%s%N)
    "$DIPTYCH" stdio --manual < "$DIR/$1.$2.jsonl" > "$DIR/replies"
    stop=$(date +%s%N)
    if [ "$(wc -l < "$DIR/replies")" != "$lines" ] || grep -q '"error":true' "$DIR/replies"; then
        echo "redis.sh: $1 over $2 keys was not answered as it should be; the first ERROR:" >&2
        grep -m 1 '"error":true' "$DIR/replies" >&2 || true
        exit 1
    fi
    awk -v n="$lines" -v t=$((stop - start)) 'BEGIN { printf "%.0f\n", n * 1e9 / t }'
}

# Requests a second of redis.
peer() {
    if [ "$2" = 1 ]; then set -- "$1"; else set -- "$1" -r "$2"; fi
    kind=$1
    shift
    redis-benchmark -s "$DIR/redis.sock" -P 64 -n "$REQUESTS" -t "$kind" --csv "$@" \
        | awk -F '"' -v kind="$kind" 'tolower($2) == kind { printf "%.0f\n", $4 }'
}

median() {
    sort -n "$1" | awk '{ line[NR] = $1 } END { print line[int((NR + 1) / 2)] }'
}

echo "| work | unit | ours | redis | ratio | to reach |"
echo "|---|---|---|---|---|---|"
for keys in 1 "$KEYS"; do
    for kind in set get; do
        requests $kind "$keys"
        : > "$DIR/ours"
        : > "$DIR/peer"
        run=0
        while [ $run -lt "$RUNS" ]; do
            ours $kind "$keys" >> "$DIR/ours"
            peer $kind "$keys" >> "$DIR/peer"
            run=$((run + 1))
        done
        awk -v kind=$kind -v keys="$keys" -v ours="$(median "$DIR/ours")" -v peer="$(median "$DIR/peer")" 'BEGIN {
            printf "| stdio, %s over %d keys, beside redis -P 64 | 1/s | %d | %d | %.2f x | >= 0.5 x |\n",
                kind, keys, ours, peer, ours / peer
        }'
        rm "$DIR/$kind.$keys.jsonl"
    done
done
