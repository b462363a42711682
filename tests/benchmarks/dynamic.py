# What scripts do: numbers, strings, lists, dictionaries, classes, exceptions, generators.
import re


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)


def primes(limit):
    sieve = bytearray([1]) * limit
    for n in range(2, limit):
        if sieve[n]:
            yield n
            sieve[n * n::n] = bytes(len(range(n * n, limit, n)))


def words(count):
    seed, found = 1, {}
    for _ in range(count):
        seed = seed * 16807 % 2147483647
        word = "".join(chr(97 + seed // 26 ** n % 26) for n in range(3))
        found[word] = found.get(word, 0) + 1
    return found


total = Point(0, 0)
for n in range(600000):
    total += Point(n, -n * 0.5)
caught = 0
for n in range(300000):
    try:
        caught += 100 // (n % 5)
    except ZeroDivisionError:
        caught -= 1
text = " ".join(f"{k}={v}" for k, v in sorted(words(300000).items()))
print(total.x, total.y, caught, sum(primes(900000)), len(text), len(re.findall(r"[aeiou]\w+=(\d)\b", text)))
