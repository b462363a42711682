"""Arguments as large as the kernel takes them (6 MiB, fs/exec.c: bprm_stack_limits) reach the guest."""
import os, resource, subprocess, sys

arguments = ["count"] + ["x" * 131000] * 30 + ["y"] * 100000
expected = f"argc {len(arguments) + 1:x}\nbytes {sum(len(a) + 1 for a in arguments) + 8:x}\n"
for limit in (8 << 20) * 8, resource.RLIM_INFINITY:
    run = subprocess.run(["./plain"] + arguments, stdout=subprocess.PIPE, text=True,
                         env={"EMU_A": "1", "B": "2"}, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (limit, limit)))
    if run.stdout != expected or run.returncode != 42:
        sys.exit(f"arguments: expected {expected!r}, got {run.stdout!r}, status {run.returncode}")
