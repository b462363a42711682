// Shapes, closures, regular expressions, exceptions, promises, and loops that are worth compiling.
class Point { constructor(x, y) { this.x = x; this.y = y; } plus(o) { return new Point(this.x + o.x, this.y + o.y); } }
let sum = new Point(0, 0);
for (let n = 0; n < 300000; n++) sum = sum.plus(new Point(n, -n / 2));
let caught = 0;
for (let n = 0; n < 1000; n++) try { if (n % 3 === 0) null.length; } catch { caught++; }
const words = 'the quick brown fox jumps over the lazy dog'.replace(/(\w)(\w*)/g, (_, a, b) => a.toUpperCase() + b);
const primes = (limit) => { const s = new Uint8Array(limit), found = []; for (let n = 2; n < limit; n++) if (!s[n]) { found.push(n); for (let m = n * n; m < limit; m += n) s[m] = 1; } return found.length; };
const later = async (n) => { await new Promise((done) => setTimeout(done, 1)); return n * n; };
Promise.all([1, 2, 3].map(later)).then((squares) => console.log(JSON.stringify({ sum, caught, words, primes: primes(200000), squares, big: (2n ** 200n).toString(36) })));
