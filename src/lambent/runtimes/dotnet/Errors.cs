// Errors as a caller sees them: {errorType, errorMessage, stackTrace, cause}.
// Source: Lambda Developer Guide, "AWS Lambda function errors in C#".
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace Lambent.Runtime
{
    // What the runtime says of a function that it cannot serve.
    public sealed class LambdaException : Exception
    {
        public LambdaException(string message, Exception cause = null) : base(message, cause) { }
    }

    public static class Errors
    {
        const int DeepestCause = 5;
        static readonly string[] Ours = { "at Lambent.Runtime.", "at System.Reflection.", "at System.RuntimeMethodHandle." };

        public static byte[] Told(Exception error)
        {
            using (var stream = new MemoryStream())
            {
                using (var json = new Utf8JsonWriter(stream)) Write(json, error, 0);
                return stream.ToArray();
            }
        }

        public static string TypeOf(Exception error)
        {
            return error.GetType().Name;
        }

        public static IEnumerable<string> Frames(Exception error)
        {
            var lines = (error.StackTrace ?? "").Split('\n').Select(line => line.Trim());
            return lines.Where(line => line != "" && !Ours.Any(line.StartsWith));
        }

        static void Write(Utf8JsonWriter json, Exception error, int depth)
        {
            json.WriteStartObject();
            json.WriteString("errorType", TypeOf(error));
            json.WriteString("errorMessage", error.Message);
            json.WriteStartArray("stackTrace");
            foreach (var frame in Frames(error)) json.WriteStringValue(frame);
            json.WriteEndArray();
            if (error.InnerException != null && depth < DeepestCause)
            {
                json.WritePropertyName("cause");
                Write(json, error.InnerException, depth + 1);
            }
            json.WriteEndObject();
        }
    }
}
