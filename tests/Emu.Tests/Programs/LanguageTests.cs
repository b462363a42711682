using System.Diagnostics;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Programs of languages with runtimes of their own (tests/guests/languages), native against translated.</summary>
[Trait("Category", "Long")]
public class LanguageTests
{
    static readonly string Folder = Repository.Work("languages");

    /// <summary>Builds a program and its runner.</summary>
    static (string Program, string Runner) Build(string name, string command, params string[] options)
    {
        var (source, program) = (Path.Combine(Repository.Root, "tests/guests/languages", name), Path.Combine(Folder, Path.GetFileNameWithoutExtension(name)));
        Repository.Run("/bin/bash", "-c", $"export PATH=/usr/bin:/bin HOME={Folder} GO111MODULE=off; {command} '{program}' '{source}'");
        Repository.Run(Path.Combine(Repository.Root, "emu"), ["build", program, "-o", program + ".emu", "--no-profile", .. options]);
        return (program, program + ".emu");
    }

    static (int Status, string Output, string Errors) Run(string program) => Repository.RunAny("/bin/bash", "-c", $"ulimit -c 0; exec -a guest '{program}'");

    static void Same((string Program, string Runner) built) => Assert.Equal(Run(built.Program), Run(built.Runner));

    /// <summary>A million exceptions, half of them of a class: landing pads are roots, and take at most three times as long.</summary>
    [Fact]
    public void Exceptions()
    {
        var built = Build("exceptions.cpp", "g++ -O2 -static -o");
        Same(built);
        var (native, translated) = (UserTime(built.Program), UserTime(built.Runner));
        Assert.True(translated < 3 * native, $"{translated:0.00} s, natively {native:0.00} s");
    }

    /// <summary>Goroutines that change stacks, a loop that only a signal stops, panics, one of them a fault whose handler goes on elsewhere.</summary>
    [Fact]
    public void Go() => Same(Build("tasks.go", "go build -o"));

    /// <summary>Calls by pointer in Go's own convention.</summary>
    [Fact]
    public void GoResults() => Same(Build("results.go", "go build -o"));

    /// <summary>Panics that unwind, in threads, too.</summary>
    [Fact]
    public void Rust() => Same(Build("panics.rs", "rustc -O -C target-feature=+crt-static -o"));

    /// <summary>Nothing is translated ahead of time, and plugins see all of it.</summary>
    [Fact]
    public void Rust_instrumented_on_the_fallback() => Same(Build("panics.rs", "rustc -O -C target-feature=+crt-static -o", ["--aot", "none", .. Runners.AllPlugins.Select(p => $"-p{p}")]));

    /// <summary>A stack overflow that becomes an exception, handlers that run where the runtime polls; calls by pointer in OCaml's own convention.</summary>
    [Theory]
    [InlineData("trees.ml")]
    [InlineData("arguments.ml")]
    public void OCaml(string source) => Same(Build(source, "cd $HOME; compile() { cp $2 . && ocamlopt -I +unix unix.cmxa -o $1 ${2##*/}; }; compile"));

    /// <summary>TLS descriptors, whose calls keep nearly all registers.</summary>
    [Fact]
    public void Descriptors() => Same(Build("descriptors.c",
        "compile() { gcc -O2 -fPIC -mtls-dialect=gnu2 -shared -DLIBRARY -fwrapv $2 -o $1.so && gcc -O2 $2 $1.so -o $1; }; compile"));

    static double UserTime(string program) =>
        double.Parse(Repository.RunAny("/bin/bash", "-c", $"TIMEFORMAT=%U; time '{program}' >/dev/null").Errors.Trim(), System.Globalization.CultureInfo.InvariantCulture);
}
