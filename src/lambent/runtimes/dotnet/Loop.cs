// One invocation after the other.
using System;
using System.Diagnostics;
using System.Reflection;

namespace Lambent.Runtime
{
    public sealed class Loop
    {
        const int Failed = 1;
        readonly Channel channel;
        readonly Logs logs;
        readonly Stopwatch since;

        public Loop(Channel channel, Logs logs, Stopwatch since)
        {
            this.channel = channel;
            this.logs = logs;
            this.since = since;
        }

        // Load the handler and serve it, for the life of the process.
        public void Run(string root, string name)
        {
            AppDomain.CurrentDomain.AssemblyLoad += (_, loaded) => LogWith(loaded.LoadedAssembly);
            Handler handler;
            try
            {
                handler = Handler.Named(root, name, logs);
            }
            catch (Exception error)
            {
                logs.Failed(error);
                channel.Send(Channel.InitError, Errors.TypeOf(error) + "\0" + Elapsed(), Errors.Told(error));
                Environment.Exit(Failed);
                return;
            }
            Console.Out.Flush();
            channel.Send(Channel.Ready, Elapsed(), ReadOnlySpan<byte>.Empty);
            while (true) Serve(handler, channel.Receive());
        }

        void Serve(Handler handler, Invocation invocation)
        {
            var id = logs.RequestId = invocation.RequestId;
            Environment.SetEnvironmentVariable("_X_AMZN_TRACE_ID", invocation.Trace);
            byte kind = Channel.Response;
            byte[] answer;
            try
            {
                answer = handler.Call(invocation);
            }
            catch (Exception error)
            {
                logs.Failed(error);
                kind = Channel.Error;
                id += "\0" + Errors.TypeOf(error);
                answer = Errors.Told(error);
            }
            Console.Out.Flush();
            Console.Error.Flush();
            channel.Send(kind, id, answer);
        }

        // LambdaLogger of the function's own Amazon.Lambda.Core writes with these, private fields that AWS sets, too.
        void LogWith(Assembly assembly)
        {
            if (assembly.GetName().Name != "Amazon.Lambda.Core") return;
            var logger = assembly.GetType("Amazon.Lambda.Core.LambdaLogger");
            Action<string> write = text => logs.Log("", null, text, null);
            Action<string, string, object[]> level = (name, text, given) => logs.Log(name, null, text, given);
            Action<string, Exception, string, object[]> error = logs.Log;
            Set(logger, "_loggingAction", write);
            Set(logger, "_loggingWithLevelAction", level);
            Set(logger, "_loggingWithLevelAndExceptionAction", error);
        }

        static void Set(Type type, string name, object value)
        {
            type?.GetField(name, BindingFlags.NonPublic | BindingFlags.Static)?.SetValue(null, value); // older ones lack some
        }

        string Elapsed()
        {
            return (since.ElapsedTicks * 1000000 / Stopwatch.Frequency).ToString();
        }
    }
}
