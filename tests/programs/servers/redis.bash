# redis-server under a load of ten seconds: $server is the program, native or translated. Prints what must be the same.
set -u
socket=$PWD/redis.socket
$server --port 0 --unixsocket "$socket" --save '' --appendonly no --dir "$PWD" --logfile "$PWD/log" &
for _ in {1..300}; do
    [[ $(redis-cli -s "$socket" ping 2>&1) == PONG ]] && break
    sleep 0.1
done
turns=0
until ((SECONDS >= 10)); do
    redis-benchmark -s "$socket" -q -n 5000 -c 20 -P 4 -t set,get,incr,lpush,rpop,sadd,hset,spop,zadd,mset,lrange_100 |
        grep -ai 'error\|refused\|unknown'
    ((turns++))
done
echo $(($(redis-cli -s "$socket" get counter:__rand_int__) - 5000 * turns))
redis-cli -s "$socket" <<'COMMANDS'
flushall
set k 'a value'
append k ' and more'
getrange k 2 6
zadd z 2.5 b 1 a 1e3 c
zrangebyscore z -inf 100 withscores
hset h f 1 g 2
hincrbyfloat h f 0.25
eval "local s = 0; for i = 1, 100000 do s = s + i * i end; return redis.call('incrby', KEYS[1], s)" 1 n
setrange k 100 end
strlen k
nonsense
shutdown nosave
COMMANDS
wait
echo "ended: $?"
