// From a handler's name to the method: ASSEMBLY::TYPE::METHOD, its parameters, its serializer, and its answer.
// Source: Lambda Developer Guide, "Define Lambda function handler in C#"; the texts say what AWS's library says.
using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading.Tasks;

namespace Lambent.Runtime
{
    public sealed class Handler
    {
        const string Form = "The valid format is 'ASSEMBLY::TYPE::METHOD'.";
        const string CoreName = "Amazon.Lambda.Core";
        const BindingFlags Anyone = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        readonly MethodInfo method, deserialize, serialize;
        readonly object target, serializer;
        readonly Logs logs;

        // What `name` means in the package at `root`.
        public static Handler Named(string root, string name, Logs logs)
        {
            var parts = name.Split(new[] { "::" }, StringSplitOptions.None);
            if (parts.Length != 3 || parts.Any(each => each == ""))
                throw new LambdaException("Invalid lambda function handler: '" + name + "'. " + Form);
            return new Handler(Load(root, parts[0]), parts, logs);
        }

        public Handler(Assembly assembly, string[] parts, Logs logs)
        {
            this.logs = logs;
            var type = assembly.GetType(parts[1])
                ?? throw new LambdaException("Unable to load type '" + parts[1] + "' from assembly '" + parts[0] + "'.");
            method = Find(type, parts);
            target = method.IsStatic ? null : Construct(type);
            var parameters = method.GetParameters();
            var attribute = SerializerAttribute();
            if (attribute != null) serializer = Activator.CreateInstance(Property<Type>(attribute, "SerializerType"));
            if (parameters.Length > 0 && !IsContext(parameters[0]) && parameters[0].ParameterType != typeof(Stream))
                deserialize = Serializer("Deserialize", parameters[0].ParameterType, "deserialize input");
            var answer = Answer();
            if (answer != typeof(void) && !typeof(Stream).IsAssignableFrom(answer))
                serialize = Serializer("Serialize", answer, "serialize output");
        }

        // The bytes of the answer.
        public byte[] Call(Invocation invocation)
        {
            var given = method.GetParameters().Select(each => Argument(each, invocation)).ToArray();
            var made = method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, given, null);
            using (var stream = new MemoryStream())
            {
                Write(Awaited(made), stream);
                return stream.ToArray();
            }
        }

        object Argument(ParameterInfo parameter, Invocation invocation)
        {
            if (IsContext(parameter)) return Context.For(parameter.ParameterType, invocation, logs);
            var stream = new MemoryStream(invocation.Payload);
            if (parameter.ParameterType == typeof(Stream)) return stream;
            return deserialize.Invoke(serializer, BindingFlags.DoNotWrapExceptions, null, new object[] { stream }, null);
        }

        void Write(object answer, MemoryStream stream)
        {
            var bytes = answer as Stream;
            if (bytes != null) bytes.CopyTo(stream);
            else if (serialize != null)
                serialize.Invoke(serializer, BindingFlags.DoNotWrapExceptions, null, new[] { answer, stream }, null);
        }

        static object Awaited(object made)
        {
            var task = made as Task;
            if (task == null) return made;
            task.GetAwaiter().GetResult();
            var type = task.GetType();
            return type.IsGenericType && type.GetGenericArguments()[0].Name != "VoidTaskResult" ? Property<object>(task, "Result") : null;
        }

        // What is serialized: that of the task, if it is one.
        Type Answer()
        {
            var type = method.ReturnType;
            if (type == typeof(Task)) return typeof(void);
            return type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Task<>) ? type.GetGenericArguments()[0] : type;
        }

        static Assembly Load(string root, string name)
        {
            var main = Path.Combine(root, name + ".dll");
            if (!File.Exists(main))
                throw new LambdaException("Could not find the specified handler assembly with the file name '" + name
                    + "'. The assembly should be located in the root of your uploaded .zip file.");
            var resolver = new AssemblyDependencyResolver(main);
            AssemblyLoadContext.Default.Resolving += (context, wanted) =>
            {
                var path = resolver.ResolveAssemblyToPath(wanted) ?? Path.Combine(root, wanted.Name + ".dll");
                return File.Exists(path) ? context.LoadFromAssemblyPath(path) : null;
            };
            AssemblyLoadContext.Default.ResolvingUnmanagedDll += (assembly, wanted) =>
            {
                var path = resolver.ResolveUnmanagedDllToPath(wanted);
                return path == null ? IntPtr.Zero : System.Runtime.InteropServices.NativeLibrary.Load(path);
            };
            return AssemblyLoadContext.Default.LoadFromAssemblyPath(main);
        }

        static MethodInfo Find(Type type, string[] parts)
        {
            var found = type.GetMethods(Anyone | BindingFlags.FlattenHierarchy).Where(each => each.Name == parts[2]).ToArray();
            var where = "'" + parts[2] + "' in type '" + parts[1] + "'";
            if (found.Length == 0) throw new LambdaException("Unable to find method " + where + " from assembly '" + parts[0] + "'.");
            if (found.Length > 1) throw new LambdaException("The method " + where + " appears to have a number of overloads.");
            var method = found[0];
            var parameters = method.GetParameters();
            if (parameters.Length > 2) throw new LambdaException("Method " + where + " is not supported: it has more than 2 parameters.");
            if (parameters.Length == 2 && !IsContext(parameters[1]))
                throw new LambdaException("Method " + where + " is not supported: the second parameter is not of type 'ILambdaContext'.");
            if (method.IsGenericMethod || method.IsAbstract || type.IsGenericType)
                throw new LambdaException("The method " + where + " cannot be used as a Lambda Handler: it is generic or abstract.");
            if (method.ReturnType == typeof(void) && method.IsDefined(typeof(AsyncStateMachineAttribute)))
                throw new LambdaException("The method " + where + " cannot be used as a Lambda Handler because it is 'async void'.");
            return method;
        }

        static object Construct(Type type)
        {
            try
            {
                return Activator.CreateInstance(type);
            }
            catch (Exception error)
            {
                throw new LambdaException("An exception was thrown when the constructor for type '" + type.FullName
                    + "' was invoked. Check inner exception for more details.", error);
            }
        }

        object SerializerAttribute()
        {
            var all = method.GetCustomAttributes(true).Concat(method.DeclaringType.Assembly.GetCustomAttributes(true));
            return all.FirstOrDefault(each => Lineage(each.GetType()).Contains(CoreName + ".LambdaSerializerAttribute"));
        }

        MethodInfo Serializer(string verb, Type type, string what)
        {
            if (serializer == null)
                throw new LambdaException("Could not find the LambdaSerializerAttribute on the assembly '"
                    + method.DeclaringType.Assembly.GetName().Name + "' or method '" + method.Name + "' while attempting to " + what
                    + " data of type '" + type.FullName + "'. To use types other than System.IO.Stream as input/output parameters, "
                    + "the assembly or Lambda function should be annotated with Amazon.Lambda.Core.LambdaSerializerAttribute.");
            var contract = serializer.GetType().GetInterface(CoreName + ".ILambdaSerializer")
                ?? throw new LambdaException("The '" + serializer.GetType() + "' class is invalid: it does not implement the "
                    + "'ILambdaSerializer' interface.");
            return contract.GetMethod(verb).MakeGenericMethod(type);
        }

        static bool IsContext(ParameterInfo parameter)
        {
            return parameter.ParameterType.FullName == CoreName + ".ILambdaContext";
        }

        static System.Collections.Generic.IEnumerable<string> Lineage(Type type)
        {
            for (; type != null; type = type.BaseType) yield return type.FullName;
        }

        static T Property<T>(object of, string name)
        {
            return (T)of.GetType().GetProperty(name).GetValue(of);
        }
    }
}
