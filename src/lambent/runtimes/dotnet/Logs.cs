// What Console and LambdaLogger write: `TIME\tREQUEST ID\tLEVEL\ttext`, or one JSON object; one call is one log event.
//
// An event goes out in a single write that begins with NUL and has its newlines as NUL (see lambent/environment/api.py).
// Source: Lambda Developer Guide, "Log and monitor C# Lambda functions"; the levels' names are those of AWS's library.
using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace Lambent.Runtime
{
    public sealed class Logs
    {
        static readonly string[] Levels = { "Trace", "Debug", "Information", "Warning", "Error", "Critical" };
        static readonly string[] Short = { "trce", "dbug", "info", "warn", "fail", "crit" };
        static readonly string[] Wanted = { "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };
        const int Information = 2, Failure = 4;
        readonly bool json;
        readonly int least;
        readonly object door = new object();
        public string RequestId = "";

        public Logs()
        {
            json = Variable("AWS_LAMBDA_LOG_FORMAT") == "JSON";
            least = Math.Max(Array.IndexOf(Wanted, Variable("AWS_LAMBDA_LOG_LEVEL")), 0);
            Console.SetOut(new Lines(text => Log(Information, text)));
            Console.SetError(new Lines(text => Log(Failure, text)));
        }

        // `level` by its name, in any case; an unknown one informs. `template` has places for `given` (see Message).
        public void Log(string level, Exception error, string template, object[] given)
        {
            var at = Array.FindIndex(Levels, each => each.Equals(level, StringComparison.OrdinalIgnoreCase));
            Log(at < 0 ? Information : at, new Message(template ?? "", given ?? new object[0]), error);
        }

        public void Failed(Exception error)
        {
            Console.Out.Flush();
            Log(Failure, new Message("", new object[0]), error);
        }

        void Log(int level, string text)
        {
            Log(level, new Message(text, new object[0]), null);
        }

        void Log(int level, Message message, Exception error)
        {
            if (level < least) return;
            if (json) Write(Record(level, message, error));
            else
            {
                var told = error == null ? "" : (message.Text == "" ? "" : "\n") + string.Join("\n", Errors.Lines(error));
                Write(Time() + "\t" + RequestId + "\t" + Short[level] + "\t" + message.Text + told);
            }
        }

        string Record(int level, Message message, Exception error)
        {
            using (var stream = new MemoryStream())
            {
                using (var writer = new Utf8JsonWriter(stream))
                {
                    writer.WriteStartObject();
                    writer.WriteString("timestamp", Time());
                    writer.WriteString("level", Levels[level]);
                    writer.WriteString("requestId", RequestId);
                    writer.WriteString("message", message.Text);
                    message.Write(writer);
                    if (error != null) Errors.Record(writer, error);
                    writer.WriteEndObject();
                }
                return Encoding.UTF8.GetString(stream.ToArray());
            }
        }

        void Write(string text)
        {
            var line = text.Replace("\0", "").TrimEnd('\n').Replace('\n', '\0');
            lock (door) Channel.Write(1, Encoding.UTF8.GetBytes("\0" + line + "\n"));
        }

        static string Time()
        {
            return DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'");
        }

        static string Variable(string name)
        {
            return (Environment.GetEnvironmentVariable(name) ?? "").ToUpperInvariant();
        }
    }

    // A text writer whose every WriteLine is one event; what is written without an end waits for one, or for Flush.
    sealed class Lines : TextWriter
    {
        readonly Action<string> tell;
        readonly StringBuilder begun = new StringBuilder();

        public Lines(Action<string> tell)
        {
            this.tell = tell;
            CoreNewLine = new[] { '\n' };
        }

        public override Encoding Encoding
        {
            get { return Encoding.UTF8; }
        }

        public override void Write(char value)
        {
            lock (begun)
            {
                if (value == '\n') Tell();
                else begun.Append(value);
            }
        }

        public override void WriteLine(string value)
        {
            lock (begun)
            {
                begun.Append(value);
                Tell();
            }
        }

        public override void Flush()
        {
            lock (begun) if (begun.Length > 0) Tell();
        }

        void Tell()
        {
            var text = begun.ToString();
            begun.Clear();
            tell(text);
        }
    }
}
