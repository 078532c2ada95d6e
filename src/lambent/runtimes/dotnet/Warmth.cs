// What a process does while it waits, so that its function does not have to: our own code is compiled, and what every
// function's first invocation asks of .NET (reflection, a proxy, JSON, an exception) has happened once.
//
// Nothing of it is seen: no byte is written, and what is made is let go of. Measured: `bench/languages.py`.
using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Text.Json;
using System.Threading.Tasks;

namespace Lambent.Runtime
{
    public interface ILikeness
    {
        string AwsRequestId { get; }
    }

    public static class Warmth
    {
        const BindingFlags All = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static
            | BindingFlags.Public | BindingFlags.NonPublic;

        public static async Task<Stream> Echo(Stream from)
        {
            await Task.CompletedTask;
            return from;
        }

        public static void Spread()
        {
            Compile();
            var ours = typeof(Warmth).Assembly;
            new AssemblyDependencyResolver(ours.Location).ResolveAssemblyToPath(ours.GetName());
            var invocation = new Invocation { RequestId = "", Payload = JsonSerializer.SerializeToUtf8Bytes(new[] { "warm" }) };
            var logs = new Logs();
            var handler = new Handler(ours, new[] { ours.GetName().Name, typeof(Warmth).FullName, "Echo" }, logs);
            handler.Call(invocation);
            var context = (ILikeness)Context.For(typeof(ILikeness), invocation, logs);
            JsonSerializer.Deserialize<Dictionary<string, object>>("{\"" + context.AwsRequestId + "\": [1, \"text\"]}");
            JsonSerializer.Serialize(new Dictionary<string, object> { { "warm", 1 } });
            new Message("{warm}", new object[] { 1 });
            try
            {
                throw new LambdaException("warm");
            }
            catch (LambdaException error)
            {
                Errors.Told(error);
            }
        }

        static void Compile()
        {
            foreach (var type in typeof(Warmth).Assembly.GetTypes())
            {
                if (type.ContainsGenericParameters) continue;
                foreach (var method in type.GetMethods(All)) Compile(method);
                foreach (var constructor in type.GetConstructors(All)) Compile(constructor);
            }
        }

        static void Compile(MethodBase method)
        {
            if (!method.IsAbstract && !method.ContainsGenericParameters) RuntimeHelpers.PrepareMethod(method.MethodHandle);
        }
    }
}
