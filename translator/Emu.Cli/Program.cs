using Emu.Translator;
using Emu.Translator.Elf;
using Emu.Translator.Linking;

var image = Image.Load(args[1]);
int level = int.Parse(Environment.GetEnvironmentVariable("L") ?? "2");
var o = new PipelineOptions(level, 2, new ObjectCache("/tmp/emucache"), Environment.GetEnvironmentVariable("CORE") ?? "/work/main/.build/core.o", Guid.NewGuid().ToString()) { WithText = args[0] == "show" };
var p = new Pipeline(image, o);
if (args[0] == "build") p.Build(args[1], args[2]);
else Console.Write(p.Show(p.Program.RegionAt(image.Symbols[args[2]] is { } y ? y.Address : Convert.ToUInt64(args[2], 16))!, args[3]));
