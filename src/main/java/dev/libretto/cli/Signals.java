package dev.libretto.cli;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntConsumer;

/**
 * Handles SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal closes). Java keeps ignored signals ignored, such as SIGHUP under
 * {@code nohup}. Signals that the system lacks are skipped.
 *
 * <p>Only {@code sun.misc.Signal} can set handlers. Using it in source is a warning that cannot be suppressed, so it is
 * called by reflection.
 */
final class Signals implements AutoCloseable {
    private static final Map<String, Integer> ENDING = Map.of("HUP", 1, "INT", 2, "TERM", 15);

    private final Map<String, Object> handlersBefore = new LinkedHashMap<>();

    private Signals() {}

    /** Calls a handler with the number of each signal, in its own thread, until this is closed. */
    static Signals handledBy(IntConsumer handler) {
        return of(ENDING, handler);
    }

    /** @param numbers maps signal names to numbers */
    static Signals of(Map<String, Integer> numbers, IntConsumer handler) {
        Signals signals = new Signals();
        numbers.forEach((name, number) -> signals.handle(name, proxy(number, handler)));
        return signals;
    }

    private void handle(String name, Object handler) {
        Class<?> type = type("sun.misc.Signal");
        try {
            Object signal = type.getConstructor(String.class).newInstance(name);
            handlersBefore.put(
                    name,
                    type.getMethod("handle", type, type("sun.misc.SignalHandler"))
                            .invoke(null, signal, handler));
        } catch (InvocationTargetException e) {
            if (!(e.getCause() instanceof IllegalArgumentException)) {
                throw new AssertionError("cannot set a signal handler", e);
            }
            // The system has no such signal, or Java runs with -Xrs.
            return;
        } catch (ReflectiveOperationException e) {
            throw new AssertionError("JDK 9 and later have sun.misc.Signal", e);
        }
    }

    private static Object proxy(int number, IntConsumer handler) {
        InvocationHandler invocation = (proxy, method, arguments) -> switch (method.getName()) {
            case "handle" -> {
                handler.accept(number);
                yield null;
            }
            case "hashCode" -> number;
            case "equals" -> proxy == arguments[0];
            default -> "handler of signal " + number;
        };
        return Proxy.newProxyInstance(
                Signals.class.getClassLoader(), new Class<?>[] {type("sun.misc.SignalHandler")}, invocation);
    }

    private static Class<?> type(String name) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new AssertionError("JDK 9 and later have " + name, e);
        }
    }

    @Override
    public void close() {
        Map.copyOf(handlersBefore).forEach(this::handle);
    }
}
