# memcached with four threads, and four clients at once: $server is memcached, native or translated. Prints what must be the same.
set -u
socket=$PWD/memcached.socket
$server -u root -s "$socket" -t 4 -m 64 2>/dev/null &
for _ in {1..300}; do [[ -S $socket ]] && break; sleep 0.1; done
client() {
    perl -MIO::Socket::UNIX -e '
        my ($path, $name) = @ARGV;
        my $server = IO::Socket::UNIX->new($path) or die "$path: $!";
        my %said;
        sub ask { my ($words, $lines) = @_; print $server "$words\r\n"; my $all = ""; $all .= <$server> for 1 .. $lines; $all =~ s/\r//g; $all }
        ask("set $name-sum 0 0 1\r\n0", 1);
        for my $n (1 .. 500) {
            my $value = "$name $n " . "x" x ($n % 300);
            $said{ask("set $name$n 0 0 " . length($value) . "\r\n$value", 1)}++;
            $said{ask("get $name$n", 3) eq "VALUE $name$n 0 " . length($value) . "\n$value\nEND\n" ? "got" : "lost"}++;
            $said{ask("delete $name$n", 1)}++ if $n % 3 == 0;
            ask("incr $name-sum $n", 1);
        }
        print "$name: ", ask("get $name-sum", 3), map({ "$said{$_} $_" } sort keys %said), "\n";
    ' "$socket" "$1" >"said.$1"
}
for name in one two three four; do client $name & clients+=($!); done
wait "${clients[@]}"
cat said.four said.one said.three said.two
kill -TERM %1
wait %1
echo "ended: $?"
