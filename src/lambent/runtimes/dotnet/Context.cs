// The context object of an invocation: what implements the interfaces of the function's own Amazon.Lambda.Core.
// Source: Lambda Developer Guide, "Using the Lambda context object to retrieve C# function information".
using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lambent.Runtime
{
    // `DispatchProxy` makes a class for an interface that is only known at run time; this one asks a function.
    public class Answering : DispatchProxy
    {
        Func<MethodInfo, object[], object> answer;

        public static object For(Type contract, Func<MethodInfo, object[], object> answer)
        {
            var make = typeof(DispatchProxy).GetMethod("Create", Type.EmptyTypes);
            var made = make.MakeGenericMethod(contract, typeof(Answering)).Invoke(null, null);
            ((Answering)made).answer = answer;
            return made;
        }

        protected override object Invoke(MethodInfo method, object[] given)
        {
            return answer(method, given);
        }
    }

    public static class Context
    {
        // An ILambdaContext, which is `contract`.
        public static object For(Type contract, Invocation invocation, Logs logs)
        {
            return Answering.For(contract, (method, given) => Member(method, invocation, logs));
        }

        static object Member(MethodInfo method, Invocation invocation, Logs logs)
        {
            switch (method.Name.Replace("get_", ""))
            {
                case "AwsRequestId": return invocation.RequestId;
                case "InvokedFunctionArn": return invocation.Arn;
                case "FunctionName": return Variable("AWS_LAMBDA_FUNCTION_NAME");
                case "FunctionVersion": return Variable("AWS_LAMBDA_FUNCTION_VERSION");
                case "LogGroupName": return Variable("AWS_LAMBDA_LOG_GROUP_NAME");
                case "LogStreamName": return Variable("AWS_LAMBDA_LOG_STREAM_NAME");
                case "MemoryLimitInMB": return int.Parse(Variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
                case "RemainingTime":
                    var left = invocation.DeadlineMs - DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
                    return TimeSpan.FromMilliseconds(Math.Max(left, 0));
                case "TraceId": return invocation.Trace;
                case "ClientContext": return ClientContext(method.ReturnType, invocation.ClientContext);
                case "Identity": return Answering.For(method.ReturnType, (each, _) => Nothing(each)); // nobody has one here
                case "Logger": return Answering.For(method.ReturnType, (each, given) => Logger(each, given, logs));
                default: return Nothing(method);
            }
        }

        // What the caller has sent along; always an object, whose members may be null.
        static object ClientContext(Type contract, string text)
        {
            var told = string.IsNullOrWhiteSpace(text) ? default(JsonElement) : JsonDocument.Parse(text).RootElement;
            return Answering.For(contract, (method, _) =>
            {
                switch (method.Name)
                {
                    case "get_Client": return Found(told, "client", out var client) ? Application(method.ReturnType, client) : null;
                    case "get_Custom": return Found(told, "custom", out var custom) ? Texts(custom) : null;
                    case "get_Environment": return Found(told, "env", out var environment) ? Texts(environment) : null;
                    default: return Nothing(method);
                }
            });
        }

        // AppTitle is app_title, and so on.
        static object Application(Type contract, JsonElement told)
        {
            return Answering.For(contract, (method, _) =>
            {
                var words = Regex.Matches(method.Name.Substring("get_".Length), "[A-Z][a-z]*").Cast<Match>();
                return Found(told, string.Join("_", words.Select(each => each.Value.ToLowerInvariant())), out var value) ? value.ToString() : null;
            });
        }

        static bool Found(JsonElement told, string name, out JsonElement value)
        {
            value = default(JsonElement);
            return told.ValueKind == JsonValueKind.Object && told.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
        }

        static IDictionary<string, string> Texts(JsonElement told)
        {
            return told.EnumerateObject().ToDictionary(each => each.Name, each => each.Value.ToString());
        }

        // Log and LogLine; a level as a name, as a LogLevel or in the method's name; an exception; a text with places, and their values.
        static object Logger(MethodInfo method, object[] given, Logs logs)
        {
            var types = method.GetParameters().Select(each => each.ParameterType).ToArray();
            var texts = given.Where((_, at) => types[at] == typeof(string)).Cast<string>().ToArray();
            var level = method.Name.Substring("Log".Length);
            if (types.Length > 0 && types[0].IsEnum) level = given[0].ToString();
            else if (texts.Length > 1) level = texts[0];
            var error = given.Where((_, at) => types[at] == typeof(Exception)).Cast<Exception>().FirstOrDefault();
            logs.Log(level, error, texts.LastOrDefault(), given.LastOrDefault() as object[]);
            return Nothing(method);
        }

        static object Nothing(MethodInfo method)
        {
            var type = method.ReturnType;
            return type.IsValueType && type != typeof(void) ? Activator.CreateInstance(type) : null;
        }

        static string Variable(string name)
        {
            return Environment.GetEnvironmentVariable(name) ?? "";
        }
    }
}
