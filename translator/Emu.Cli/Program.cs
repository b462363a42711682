using Emu.Instrumentation;
using Emu.Plugins;
using Emu.Translator;
using Emu.Translator.Elf;
using Emu.Translator.Linking;

var image = Image.Load(args[1]);
int level = int.Parse(Environment.GetEnvironmentVariable("L") ?? "2");
var plugins = new PluginCatalog(typeof(BlockCounter).Assembly, "/tmp/emucache").Create((Environment.GetEnvironmentVariable("P") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries));
var o = new PipelineOptions(level, 2, new ObjectCache("/tmp/emucache"), Environment.GetEnvironmentVariable("CORE") ?? "/work/main/.build/core.o", Guid.NewGuid().ToString()) { WithText = args[0] == "show", Plugins = plugins };
var p = new Pipeline(image, o);
if (args[0] == "build") p.Build(Path.GetFullPath(args[1]), args[2]);
else Console.Write(p.Show(p.Program.RegionAt(image.Symbols[args[2]] is { } y ? y.Address : Convert.ToUInt64(args[2], 16))!, args[3]));
