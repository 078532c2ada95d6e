// The context object of an invocation: what implements the interfaces of the function's own Amazon.Lambda.Core.
// Source: Lambda Developer Guide, "Using the Lambda context object to retrieve C# function information".
using System;
using System.Reflection;

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
            return Answering.For(contract, (method, _) => Member(method, invocation, logs));
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
                case "Logger": return Answering.For(method.ReturnType, (each, given) => Logger(each, given, logs));
                default: return Nothing(method);
            }
        }

        // Log and LogLine, Log(level, text), and LogInformation and its like.
        static object Logger(MethodInfo method, object[] given, Logs logs)
        {
            var texts = Array.FindAll(method.GetParameters(), each => each.ParameterType == typeof(string));
            var level = texts.Length > 1 ? (string)given[texts[0].Position] : method.Name.Substring("Log".Length);
            var text = texts.Length == 0 ? "" : (string)given[texts[texts.Length - 1].Position];
            logs.Log(level, text ?? "");
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
