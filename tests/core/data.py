"""Prints a data file of play.c's `data` act: an independent reader of the format in runtime/core/data.h."""
import struct, sys

data = open(sys.argv[1], "rb").read()
magic, meta, meta_size, keys, keys_size, counters, counters_size, chunks, chunk_size, state, status = struct.unpack_from("<8s10Q", data)
assert magic == b"EMUDATA\x01" and data[meta:meta + meta_size] == b'{"test":true}'
assert keys_size == counters_size * 2 and struct.unpack_from("<QII", data, keys) == (0x401000, 1, 0)
total = sum(struct.unpack_from(f"<{counters_size // 8}Q", data, counters))
print(["running", "exited", "killed"][state], status, "meta", meta_size, "counters", total)
for at in range(chunks, len(data), chunk_size):
    magic, stream, thread, sequence, used = struct.unpack_from("<8s4Q", data, at)
    assert magic == b"EMUCHUNK" and stream == 0 and sequence == (at - chunks) // chunk_size
    end = at + 64 + (used or chunk_size - 64)
    records = []
    for record in range(at + 64, end - 15, 16):
        value, inverse = struct.unpack_from("<QQ", data, record)
        if not value:
            break
        assert inverse == value ^ (1 << 64) - 1
        records.append(value)
    print("chunk", len(records), f"records {records[0]}..{records[-1]}")
