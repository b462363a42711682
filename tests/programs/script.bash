# A script of bash builtins only (no forks, no pipes, no command substitution): what `bash-static script.bash text numbers` runs.
set -u
file=$1
declare -A count
declare -i total=0 lines=0
while read -r -a words; do
    lines+=1
    for w in "${words[@]}"; do
        count[$w]=$((${count[$w]:-0} + 1))
        total+=1
    done
    ((lines == 300)) && break
done <"$1"
sorted=()
for w in "${!count[@]}"; do
    i=${#sorted[@]}
    while ((i > 0)) && [[ ${sorted[i - 1]} > $w ]]; do
        sorted[i]=${sorted[i - 1]}
        i=$((i - 1))
    done
    sorted[i]=$w
done
printf '%d lines, %d words, %d different\n' "$lines" "$total" "${#count[@]}"
for w in "${sorted[@]}"; do printf '%-6s %4d\n' "$w" "${count[$w]}"; done

mapfile -t numbers <"$2"
max=${numbers[0]} sum=0
for n in "${numbers[@]}"; do
    ((n > max)) && max=$n
    ((sum += n, 1))
done
echo "max $max sum $sum of ${#numbers[@]}; slice ${numbers[*]:10:5}; last ${numbers[-1]}"

fib() { local n=$1; if ((n < 2)); then REPLY=$n; else fib $((n - 1)); local a=$REPLY; fib $((n - 2)); REPLY=$((a + REPLY)); fi; }
fib 15
echo "fib 15 = $REPLY"

text='The Quick brown-fox_42 jumps over 7 lazy dogs'
echo "${text^^}|${text,,}|${#text}|${text:4:5}|${text: -4}|${text#* }|${text##* }|${text%o*}|${text%%o*}|${text/o/0}|${text//o/0}|${text/#The/A}|${text/%dogs/cats}"
[[ $text =~ ([a-z]+)_([0-9]+).*\ ([0-9])\  ]] && echo "matched ${BASH_REMATCH[1]} ${BASH_REMATCH[2]} ${BASH_REMATCH[3]}"
unset nothing
echo "${nothing:-default} ${nothing:=set} ${nothing:+other} ${nothing@Q}"
echo {a..e}{1..3} {10..0..5} pre{x,y}post
printf '%s|%5d|%-8s|%08.3f|%x|%o|%c|%q|%b|%%\n' string 42 left 3.14159 255 8 char 'with space' 'tab\there'
printf -v made '%03d-%s' 7 seven
echo "$made $((0x1f + 017 + 2#1011)) $((5 ** 13 % 1000)) $((-17 / 5)) $((-17 % 5)) $((1 << 40)) $((~5 & 0xff)) $((3 > 2 ? 10 : 20))"
case $made in
[0-9]*-s*) echo "case one" ;;&
*seven) echo "case two" ;;
*) echo "never" ;;
esac
set -- one "two words" three
echo "$# $1 ${*} ${@:2:1} ${!#}"
shift
for a; do echo "argument [$a]"; done
while getopts 'ab:c' o -a -b value -c rest; do echo "option $o ${OPTARG-}"; done
i=0
until ((i >= 3)); do
    ((i == 1)) && { i=$((i + 1)); continue; }
    echo "until $i"
    i=$((i + 1))
done
IFS=: read -r x y z <<<'one:two:three:four'
echo "$x $y $z"
read -r -d '' long <<END || true
here $total
  document $((6 * 7))
END
echo "$long"
trap 'echo "exit trap $?"' EXIT
arr=([5]=five [2]=two)
arr+=(six)
unset 'arr[2]'
echo "${!arr[@]} ${arr[@]} ${#arr[@]}"
select_one() { local -n ref=$1; ref+=(added); return 3; }
select_one arr || echo "returned $? ${arr[*]}"
declare -p arr
type -t fib echo if
echo "globs: "*.csv [t]ext*
exec 3<"$file"
read -r -u 3 line
echo "fd 3: $line"
exec 3<&-
printf '%s\n' "$((RANDOM >= 0))" "${BASH_VERSINFO[0]}" "${LINENO}"
echo 'to stderr' >&2
false && echo no || echo yes
exit 7
