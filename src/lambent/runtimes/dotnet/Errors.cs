// Errors as a caller sees them: {errorType, errorMessage, stackTrace, cause, causes}, and as the log shows them.
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
        static readonly string[] Ours = { "at Lambent.Runtime.", "at System.Reflection.", "at System.RuntimeMethodHandle.", "at InvokeStub_" };

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

        // The error and what caused it, as .NET tells them, without our own frames.
        public static IEnumerable<string> Lines(Exception error)
        {
            return error.ToString().Split('\n').Select(line => line.TrimEnd()).Where(line => !Ours.Any(line.TrimStart().StartsWith));
        }

        // As members of a line of the log.
        public static void Record(Utf8JsonWriter json, Exception error)
        {
            json.WriteString("errorType", error.GetType().FullName);
            json.WriteString("errorMessage", error.Message);
            json.WriteStartArray("stackTrace");
            foreach (var line in Lines(error)) json.WriteStringValue(line.Trim());
            json.WriteEndArray();
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
            var several = error as AggregateException;
            if (several != null && depth < DeepestCause)
            {
                json.WriteStartArray("causes");
                foreach (var each in several.InnerExceptions) Write(json, each, depth + 1);
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
    }
}
