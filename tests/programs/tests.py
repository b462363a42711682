# Python's own tests, by the names of their modules: how many there were, which failed, how many were skipped.
import contextlib, io, sys, unittest

for name in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        found = unittest.defaultTestLoader.loadTestsFromName("test." + name)
        result = unittest.TextTestRunner(stream=io.StringIO()).run(found)
    print(name, result.testsRun, sorted(str(test) for test, _ in result.failures + result.errors), len(result.skipped), flush=True)
