# nginx, a master and two workers, under a load of ten seconds: $server is nginx and $client curl, native or translated. Prints what must be the same.
set -u
socket=$PWD/nginx.socket
cat >conf <<CONF
worker_processes 2;
daemon off;
pid $PWD/pid;
error_log $PWD/errors notice;
events { worker_connections 256; }
http {
    access_log $PWD/access;
    gzip on; gzip_min_length 100; gzip_types *;
    client_body_temp_path $PWD/t1; proxy_temp_path $PWD/t2; fastcgi_temp_path $PWD/t3; uwsgi_temp_path $PWD/t4; scgi_temp_path $PWD/t5;
    server {
        listen unix:$socket;
        root $PWD/www;
        location ~ ^/old/(.*)$ { return 301 /new/\$1; }
        location /list/ { autoindex on; autoindex_format json; }
    }
}
CONF
mkdir -p www/list
for n in {1..2000}; do echo "$n: the quick brown fox jumps over the lazy dog $((n * n))"; done >www/data
head -c 3000000 /dev/zero >www/list/zeros
touch -d 2020-01-01 www/data www/list/zeros www/list
$server -p "$PWD" -c conf 2>/dev/null &
get() { $client -s --unix-socket "$socket" "$@"; }
for _ in {1..300}; do [[ -S $socket ]] && break; sleep 0.1; done
get -i http://host/data | grep -v '^Date' | sha256sum
get --compressed http://host/data | sha256sum
get -r 1000-1999,5000-5100 http://host/data | sed 's/^--.*/--/' | tail -n +4 | sha256sum
get -o /dev/null -w '%{http_code} %{redirect_url}\n' http://host/old/thing
get http://host/list/
get -o /dev/null -w '%{http_code}\n' http://host/missing
get -o /dev/null -w '%{http_code}\n' -X POST -d x=1 http://host/data
while :; do
    curl -s --unix-socket "$socket" --compressed --parallel --parallel-max 20 -o 'got.#1' "http://host/data?[1-200]" 2>/dev/null
    cat got.* | sha256sum
    ((SECONDS < 8)) || break
done | sort -u
kill -HUP $(<pid)
while :; do
    curl -s --unix-socket "$socket" "http://host/list/zeros?[1-10]" | sha256sum
    ((SECONDS < 10)) || break
done | sort -u
kill -QUIT $(<pid)
wait
echo "ended: $?"
grep -c 'exited on signal' errors
