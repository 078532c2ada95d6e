package lambent.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * From `package.Class::method`, or `package.Class` alone, to a handler.
 *
 * <p>A class alone implements RequestStreamHandler or RequestHandler. Of methods of one name the one with the most parameters is
 * taken, where a Context at the end counts twice; bridges come last. What does not fit is told at each invocation; what a
 * static initialiser or a constructor throws ends the process. Sources: Lambda Developer Guide, "Define Lambda function
 * handler in Java"; rules and texts are those of AWS's runtime interface client.
 */
final class Handlers {
    private static final Comparator<Method> BEST_FIRST =
            Comparator.comparing(Method::isBridge).thenComparing(Handlers::weight, Comparator.reverseOrder());

    private final Serializer serializer;

    Handlers(Serializer serializer) {
        this.serializer = serializer;
    }

    /** The handler of that name. Throws a Fault that ends the process. */
    Handler load(String name, ClassLoader loader) throws Fault {
        int colons = name.lastIndexOf("::");
        String className = colons < 0 ? name : name.substring(0, colons);
        String methodName = colons < 0 ? null : name.substring(colons + 2);
        if (className.isEmpty() || methodName != null && methodName.isEmpty()) {
            return always(Fault.found("Invalid handler: `" + name + "'"));
        }
        Class<?> type;
        try {
            type = Class.forName(className, true, loader);
        } catch (ClassNotFoundException missing) {
            return always(Fault.notLoaded("Class not found: " + className, missing, false));
        } catch (NoClassDefFoundError missing) {
            return always(Fault.notLoaded(notLoaded(className, missing), missing, false));
        } catch (Throwable error) {
            throw Fault.notLoaded(notLoaded(className, error), error, true);
        }
        try {
            return methodName == null ? ofInterface(type) : ofMethod(type, methodName);
        } catch (Fault fault) {
            if (fault.endsProcess) {
                throw fault;
            }
            return always(fault);
        }
    }

    private static String notLoaded(String className, Throwable why) {
        return "Error loading class " + className + (why.getMessage() == null ? "" : ": " + why.getMessage());
    }

    private static Handler always(Fault fault) {
        return (event, answer, context) -> {
            throw fault;
        };
    }

    private Handler ofInterface(Class<?> type) throws Fault {
        if (RequestStreamHandler.class.isAssignableFrom(type)) {
            RequestStreamHandler made = (RequestStreamHandler) instance(type);
            return (event, answer, context) -> made.handleRequest(new ByteArrayInputStream(event), answer, context);
        }
        if (!RequestHandler.class.isAssignableFrom(type)) {
            throw Fault.found("Class does not implement an appropriate handler interface: " + type.getName());
        }
        TypeVariable<?>[] variables = RequestHandler.class.getTypeParameters();
        Map<TypeVariable<?>, Type> bound = Reflection.bindings(type, Map.of());
        if (!bound.containsKey(variables[0])) {
            throw Fault.found("Class " + type.getName() + " does not implement RequestHandler with concrete type parameters");
        }
        @SuppressWarnings("unchecked")
        RequestHandler<Object, Object> made = (RequestHandler<Object, Object>) instance(type);
        Type input = bound.get(variables[0]);
        Type output = bound.get(variables[1]);
        serializer.expect(input, output);
        return (event, answer, context) ->
                serializer.write(made.handleRequest(serializer.read(event, input), context), output, answer);
    }

    private Handler ofMethod(Class<?> type, String name) throws Fault {
        List<Method> named;
        try {
            named = Arrays.stream(type.getMethods()).filter(each -> each.getName().equals(name)).sorted(BEST_FIRST).collect(Collectors.toList());
        } catch (NoClassDefFoundError missing) {
            throw Fault.notLoaded("Error loading method " + name + " on class " + type.getName(), missing, false);
        }
        if (named.isEmpty()) {
            throw Fault.found("Class " + type.getName() + " has no public method named " + name);
        }
        for (Method method : named) {
            if (fits(method)) {
                method.setAccessible(true);
                return called(method, Modifier.isStatic(method.getModifiers()) ? null : instance(type), Reflection.bindings(type, Map.of()));
            }
        }
        throw Fault.found(
                "No public method named " + name + " with appropriate method signature found on class " + type.getName());
    }

    private static int weight(Method method) {
        Class<?>[] given = method.getParameterTypes();
        return given.length + (given.length > 0 && given[given.length - 1] == Context.class ? 1 : 0);
    }

    /** Whether a handler may have such parameters: [event or input stream] [output stream] [context]. */
    private static boolean fits(Method method) {
        Class<?>[] given = method.getParameterTypes();
        int count = given.length > 0 && given[given.length - 1] == Context.class ? given.length - 1 : given.length;
        if (count == 2) {
            return given[0] == InputStream.class && given[1] == OutputStream.class;
        }
        return count < 2 && (count == 0 || given[0] != Context.class);
    }

    private Handler called(Method method, Object instance, Map<TypeVariable<?>, Type> bound) {
        Class<?>[] given = method.getParameterTypes();
        boolean streams = Arrays.asList(given).contains(OutputStream.class) || Arrays.asList(given).contains(InputStream.class);
        Type output = Reflection.resolved(method.getGenericReturnType(), bound);
        Type input = given.length == 0 || given[0] == Context.class ? null : Reflection.resolved(method.getGenericParameterTypes()[0], bound);
        if (!streams) {
            serializer.expect(input, output);
        }
        return (event, answer, context) -> {
            Object[] arguments = new Object[given.length];
            for (int i = 0; i < given.length; i++) {
                arguments[i] =
                        given[i] == Context.class
                                ? context
                                : given[i] == OutputStream.class
                                        ? answer
                                        : given[i] == InputStream.class ? new ByteArrayInputStream(event) : serializer.read(event, input);
            }
            Object returned;
            try {
                returned = method.invoke(instance, arguments);
            } catch (InvocationTargetException error) {
                throw error.getCause() == null ? error : error.getCause();
            }
            if (!streams) {
                serializer.write(returned, output, answer);
            }
        };
    }

    private static Object instance(Class<?> type) throws Fault {
        try {
            Constructor<?> constructor = type.getConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (NoSuchMethodException missing) {
            boolean inner = type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers());
            String why = inner ? " cannot be instantiated because it is a non-static inner class" : " has no public zero-argument constructor";
            throw Fault.notLoaded("Class " + type.getName() + why, new Exception("Class " + type.getName() + why), false);
        } catch (InvocationTargetException error) {
            Throwable why = error.getCause() == null ? error : error.getCause();
            String message = why.getLocalizedMessage() == null ? why.getClass().getName() : why.getLocalizedMessage();
            throw Fault.notLoaded(message, why, true);
        } catch (ReflectiveOperationException error) {
            throw Fault.notLoaded(String.valueOf(error.getMessage()), error, false);
        }
    }
}
