package dev.libretto.device;

import com.google.protobuf.ByteString;
import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import dev.libretto.LibrettoException;
import java.io.UncheckedIOException;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.text.DecimalFormatSymbols;
import java.util.ArrayList;
import java.util.IllformedLocaleException;
import java.util.List;
import java.util.Locale;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.Signature;
import org.tensorflow.internal.c_api.TF_DeviceList;
import org.tensorflow.internal.c_api.TF_Graph;
import org.tensorflow.internal.c_api.TF_Operation;
import org.tensorflow.internal.c_api.TF_Session;
import org.tensorflow.internal.c_api.TF_SessionOptions;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.global.tensorflow;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Operands;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.PartitionedCall;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * What Libretto uses of TensorFlow 2.18 and TensorFlow Java 1.1.0 beyond their public interfaces. {@code
 * TensorFlowInternalsTest} says what to do when an upgrade breaks one.
 */
public final class TensorFlowInternals {
    private static final String FRAMEWORK = "libtensorflow_framework.so.2";

    private TensorFlowInternals() {}

    /**
     * Sets whether GPUs may compute in TF32. Python's {@code enable_tensor_float_32_execution} calls the same C++
     * function.
     */
    static void allowTf32(boolean allowed) {
        framework("_ZN3tsl32enable_tensor_float_32_executionEb").invokeVoid(new Object[] {allowed ? 1 : 0});
    }

    static boolean isTf32Allowed() {
        // Only the lowest byte of the register is the bool.
        return (framework("_ZN3tsl33tensor_float_32_execution_enabledEv").invokeInt(new Object[0]) & 0xff) != 0;
    }

    private static Function framework(String symbol) {
        return NativeLibrary.getInstance(FRAMEWORK).getFunction(symbol);
    }

    /**
     * Adds f(x · W + b) as one operation, {@code _FusedMatMul}, which TensorFlow's graph optimizer creates, too.
     *
     * @param functions {@code BiasAdd}, then f if it is not the identity
     */
    public static Operand<TFloat32> fusedMatMul(
            Ops tf,
            Operand<TFloat32> x,
            Operand<?> kernel,
            boolean isKernelTransposed,
            Operand<TFloat32> bias,
            AttrValue functions) {
        OperationBuilder operation = tf.scope().opBuilder("_FusedMatMul", "FusedMatMul");
        operation.addInput(x.asOutput());
        operation.addInput(kernel.asOutput());
        operation.addInputList(new Output<?>[] {bias.asOutput()});
        operation.setAttr("fused_ops", functions);
        operation.setAttr("transpose_b", isKernelTransposed);
        return operation.build().output(0);
    }

    /** Returns an attribute that is a list of strings, which TensorFlow Java crashes on unless it is a protocol buffer. */
    public static AttrValue strings(String... values) {
        AttrValue.ListValue.Builder list = AttrValue.ListValue.newBuilder();
        for (String value : values) {
            list.addS(ByteString.copyFromUtf8(value));
        }
        return AttrValue.newBuilder().setList(list).build();
    }

    /**
     * Returns part of a graph as a function; the caller closes it.
     *
     * @param name the beginning of its name
     * @param arguments the names of the values that are its arguments
     * @param results the names of the values that it returns
     */
    public static ConcreteFunction function(String name, Graph graph, List<String> arguments, List<String> results) {
        Signature.Builder signature = Signature.builder(name);
        arguments.forEach(argument -> signature.input(argument, graph.outputOrThrow(argument)));
        for (int i = 0; i < results.size(); i++) {
            signature.output("result_" + i, graph.outputOrThrow(results.get(i)));
        }
        return ConcreteFunction.create(signature.build(), graph);
    }

    /**
     * Adds a call of a function. TensorFlow Java's own {@code call} would run the graph optimizer on the function, whatever the
     * session's configuration.
     *
     * @param function the name of a function that is attached to the graph
     * @param results the types of its results
     */
    public static Operation call(
            Ops tf,
            String function,
            List<? extends Operand<?>> arguments,
            List<? extends Class<? extends TType>> results) {
        return call(tf, function, arguments, results, false);
    }

    /**
     * Adds a call of a function which a session replaces by the function's operations, on the device of the call. Then each waits
     * for what it needs, and not for all arguments.
     */
    public static Operation inlinedCall(
            Ops tf,
            String function,
            List<? extends Operand<?>> arguments,
            List<? extends Class<? extends TType>> results) {
        return call(tf, function, arguments, results, true);
    }

    private static Operation call(
            Ops tf,
            String function,
            List<? extends Operand<?>> arguments,
            List<? extends Class<? extends TType>> results,
            boolean isInlined) {
        OperationBuilder call = tf.scope().opBuilder(PartitionedCall.OP_NAME, "Call");
        call.addInputList(arguments.stream().map(Operand::asOutput).toArray(Output<?>[]::new));
        List<Class<? extends TType>> types = new ArrayList<>();
        arguments.forEach(argument -> types.add(argument.type()));
        call.setAttr("Tin", Operands.toDataTypes(types));
        call.setAttr("Tout", Operands.toDataTypes(List.copyOf(results)));
        call.setAttr(
                "f",
                AttrValue.newBuilder()
                        .setFunc(NameAttrList.newBuilder().setName(function))
                        .build());
        call.setAttr(
                "config_proto",
                AttrValue.newBuilder()
                        .setS(Device.withoutOptimizer().toByteString())
                        .build());
        if (isInlined) {
            call.setAttr("_lower_as_multi_device_function", true);
        }
        return call.build();
    }

    /**
     * Returns what a custom gradient returns for an input without one. TensorFlow's C++ has a value for it, which TensorFlow Java
     * cannot express.
     */
    public static Operand<?> noGradient(Graph graph) {
        try {
            Constructor<GraphOperation> operation =
                    GraphOperation.class.getDeclaredConstructor(Graph.class, TF_Operation.class);
            operation.setAccessible(true);
            Constructor<?> output = Output.class.getDeclaredConstructors()[0];
            output.setAccessible(true);
            return (Output<?>) output.newInstance(operation.newInstance(graph, new TF_Operation(null)), -1);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Opens a session on a TensorFlow server, which TensorFlow Java has no way to name; the caller closes it.
     *
     * @param target of the server, {@code grpc://ADDRESS:PORT}
     */
    static Session openSession(Graph graph, String target, ConfigProto config) {
        PointerScope scope = new PointerScope();
        try (scope) {
            Field handle = Graph.class.getDeclaredField("nativeHandle");
            Constructor<Session> constructor = Session.class.getDeclaredConstructor(Graph.class, TF_Session.class);
            AccessibleObject.setAccessible(new AccessibleObject[] {handle, constructor}, true);
            TF_Status status = TF_Status.newStatus();
            TF_SessionOptions options = TF_SessionOptions.newSessionOptions();
            byte[] bytes = config.toByteArray();
            tensorflow.TF_SetTarget(options, target);
            tensorflow.TF_SetConfig(options, new BytePointer(bytes), bytes.length, status);
            status.throwExceptionIfNotOK();
            TF_Session session = TF_Session.newSession((TF_Graph) handle.get(graph), options, status);
            status.throwExceptionIfNotOK();
            session.retainReference();
            return constructor.newInstance(graph, session);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns the type, {@code CPU} or {@code GPU}, of each device of a session with the given configuration. */
    static List<String> deviceTypes(ConfigProto config) {
        TensorFlowSetup.apply();
        PointerScope scope = new PointerScope();
        try (scope) {
            TF_Status status = TF_Status.newStatus();
            TF_SessionOptions options = TF_SessionOptions.newSessionOptions();
            byte[] bytes = config.toByteArray();
            tensorflow.TF_SetConfig(options, new BytePointer(bytes), bytes.length, status);
            status.throwExceptionIfNotOK();
            TF_Session session = TF_Session.newSession(TF_Graph.newGraph(), options, status);
            status.throwExceptionIfNotOK();
            TF_DeviceList devices = tensorflow.TF_SessionListDevices(session, status);
            status.throwExceptionIfNotOK();
            try {
                List<String> types = new ArrayList<>();
                for (int i = 0; i < tensorflow.TF_DeviceListCount(devices); i++) {
                    types.add(tensorflow.TF_DeviceListType(devices, i, status).getString());
                    status.throwExceptionIfNotOK();
                }
                return types;
            } finally {
                tensorflow.TF_DeleteDeviceList(devices);
            }
        }
    }

    /** Returns the locale with ASCII digits: TensorFlow Java formats numbers in operation names by the default locale. */
    static Locale withAsciiDigits(Locale locale) {
        if (DecimalFormatSymbols.getInstance(locale).getZeroDigit() == '0') {
            return locale;
        }
        try {
            return new Locale.Builder()
                    .setLocale(locale)
                    .setUnicodeLocaleKeyword("nu", "latn")
                    .build();
        } catch (IllformedLocaleException e) {
            return Locale.ROOT;
        }
    }

    /** Throws if this JVM was started without the option that TensorFlow Java needs to write to tensors. */
    static void requireUnsafe() {
        try {
            DataBuffers.ofInts(1).setInt(0, 0);
        } catch (UnsupportedOperationException | LinkageError e) {
            throw new UncheckedIOException(new LibrettoException(
                    "this Java denies access to sun.misc.Unsafe, which TensorFlow Java needs; start it with"
                            + " --sun-misc-unsafe-memory-access=allow",
                    e));
        }
    }
}
