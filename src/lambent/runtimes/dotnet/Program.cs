// The bootstrap of .NET functions: started before it is known for which function, given one through descriptor 4.
//
// It loads and compiles what a function needs first, and then waits in a read. The assignment is one JSON text, up to the
// end of the pipe; an end without a text means that nobody needs us. From then on it is the function's process.
//
// Rules for every file beside this one: .NET Core 3.1's own assemblies only, and C# 7, because they are built by Mono's
// compiler (requirements/dotnet.sh makes Lambent.Runtime.dll of them). What a package brings along (Amazon.Lambda.Core) is
// known by its names only, as it lies in the function's folder.
// Sources: Lambda Developer Guide, "Building Lambda functions with C#"; the behaviour of AWS's own open runtime support
// library for .NET was compared. The form of a frame: lambent/environment/api.py.
using System;
using System.Collections;
using System.Diagnostics;
using System.IO;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Lambent.Runtime
{
    public static class Program
    {
        const int ChannelDescriptor = 3, AssignmentDescriptor = 4;

        public static int Main()
        {
            Warmth.Spread();
            string text;
            using (var pipe = new FileStream(new SafeFileHandle((IntPtr)AssignmentDescriptor, true), FileAccess.Read, 1))
            using (var reader = new StreamReader(pipe)) text = reader.ReadToEnd();
            if (text == "") return 0;
            var since = Stopwatch.StartNew();
            using (var assignment = JsonDocument.Parse(text)) Serve(assignment.RootElement, since);
            return 0;
        }

        static void Serve(JsonElement assignment, Stopwatch since)
        {
            var root = assignment.GetProperty("task_root").GetString();
            Settle(assignment, root);
            var logs = new Logs();
            var loop = new Loop(new Channel(ChannelDescriptor), logs, since);
            loop.Run(root, assignment.GetProperty("handler").GetString());
        }

        static void Settle(JsonElement assignment, string root)
        {
            Directory.SetCurrentDirectory(root);
            var variables = assignment.GetProperty("variables");
            if (variables.ValueKind == JsonValueKind.Null) return; // started for its function, they are there already
            foreach (DictionaryEntry each in Environment.GetEnvironmentVariables())
                Environment.SetEnvironmentVariable((string)each.Key, null);
            foreach (var each in variables.EnumerateObject())
                Environment.SetEnvironmentVariable(each.Name, each.Value.GetString());
            var api = assignment.GetProperty("runtime_api").GetString();
            if (api != "") Environment.SetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API", api);
        }
    }
}
