package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import dev.libretto.Rounding;
import dev.libretto.model.FloatTensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.TensorFlow;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.types.TFloat32;

/** Each test says what to do if an upgrade of TensorFlow breaks it. */
@Tag("numeric")
class TensorFlowInternalsTest {
    @Test
    void upgradeHasBeenChecked() throws IOException {
        assertThat(TensorFlow.version())
                .as(
                        "TensorFlow's version. After an upgrade, run these tests, then change the number here and in the classes"
                                + " below")
                .startsWith("2.18.");
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            assertThat(sources.filter(file -> file.toString().endsWith(".java") && mentions("TensorFlow 2.18", file)))
                    .extracting(file -> file.getFileName().toString())
                    .containsExactlyInAnyOrder(
                            "CudaDriver.java",
                            "CudaLibrary.java",
                            "NativeLog.java",
                            "OneDnn.java",
                            "TensorFlowInternals.java");
        }
    }

    private static boolean mentions(String words, Path file) {
        try {
            return Files.readString(file).contains(words);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The switch is on by default; the library must have been loaded. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void tf32CanBeSwitched() throws LibrettoException {
        TensorFlow.version();
        Device gpu = new Device(List.of(FakeCuda.NEW));
        assertThatCode(() -> Precision.FLOAT32.applyTo(gpu))
                .as("the switch of TF32. If its symbol is missing, look for the new one with nm -D"
                        + " libtensorflow_framework.so.2 | grep tensor_float_32")
                .doesNotThrowAnyException();
        assertThat(TensorFlowInternals.isTf32Allowed()).isFalse();
        Precision.TF32.applyTo(gpu);
        assertThat(TensorFlowInternals.isTf32Allowed()).isTrue();
        Precision.FLOAT32.applyTo(gpu);
        assertThat(TensorFlowInternals.isTf32Allowed()).isFalse();
    }

    /** [1, 2] · W + b = [1 + 4, 3 − 2] + [1, −1] = [6, 0], in eager mode and in a graph. */
    @Test
    void productAndBiasCanBeFused() {
        String advice =
                "_FusedMatMul. If it is gone or has other attributes, let Kernel compute matMul, biasAdd and tanh"
                        + " as three operations, and compare the speed with src/bench/benchmark";
        AttrValue biasAdd = TensorFlowInternals.strings("BiasAdd");
        try (EagerSession eager = Sessions.openEager();
                Graph graph = Sessions.newGraph();
                Session session = Sessions.open(graph);
                Result result = session.runner()
                        .fetch(fused(Ops.create(graph), biasAdd))
                        .run()) {
            assertThat(FloatTensors.toArray(fused(Ops.create(eager), biasAdd)))
                    .as(advice)
                    .containsExactly(6, 0);
            assertThat(FloatTensors.toArray((TFloat32) result.get(0)))
                    .as(advice)
                    .containsExactly(6, 0);
            AttrValue biasAddTanh = TensorFlowInternals.strings("BiasAdd", "Tanh");
            float[] tanh = FloatTensors.toArray(fused(Ops.create(eager), biasAddTanh));
            Rounding.assertClose(advice, tanh, new double[] {Math.tanh(6), 0}, Rounding.after(20));
        }
    }

    private static Operand<TFloat32> fused(Ops tf, AttrValue functions) {
        Operand<TFloat32> kernel = tf.constant(new float[][] {{1, 3}, {2, -1}});
        Operand<TFloat32> bias = tf.constant(new float[] {1, -1});
        return TensorFlowInternals.fusedMatMul(tf, tf.constant(new float[][] {{1, 2}}), kernel, false, bias, functions);
    }

    /** From TensorFlow Java 1.2 on, null expresses it, and noGradient can be deleted. */
    @Test
    void noGradientIsTheOutputMinusOneOfNoOperation() {
        try (Graph graph = Sessions.newGraph()) {
            assertThat(TensorFlowInternals.noGradient(graph).asOutput().index()).isEqualTo(-1);
        }
    }

    /** The empty target is this process. */
    /** Without the attribute, hosts would compute nothing until they have received all parameters. */
    @Test
    void inlinedCallWaitsForWhatAResultNeeds() {
        try (Graph body = Sessions.newGraph();
                Graph graph = Sessions.newGraph()) {
            Ops inside = Ops.create(body);
            Placeholder<TFloat32> used = inside.withName("used").placeholder(TFloat32.class);
            Placeholder<TFloat32> other = inside.withName("other").placeholder(TFloat32.class);
            List<String> arguments = List.of(used.op().name(), other.op().name());
            List<String> results = List.of(
                    inside.math.neg(used).op().name(),
                    inside.math.neg(other).op().name());
            Ops tf = Ops.create(graph);
            List<Operand<TFloat32>> values = List.of(tf.constant(2f), tf.placeholder(TFloat32.class));
            List<Class<TFloat32>> types = List.of(TFloat32.class, TFloat32.class);
            try (ConcreteFunction function = TensorFlowInternals.function("f", body, arguments, results)) {
                graph.attachFunction(function);
                String name = function.getDefinedName();
                Operation call = TensorFlowInternals.call(tf, name, values, types);
                Operation inlined = TensorFlowInternals.inlinedCall(tf, name, values, types);
                Operand<TFloat32> ofCall = tf.identity(call.<TFloat32>output(0));
                Operand<TFloat32> ofInlined = tf.identity(inlined.<TFloat32>output(0));
                try (Session session = Sessions.open(graph)) {
                    assertThatThrownBy(() -> session.runner().fetch(ofCall).run())
                            .hasMessageContaining("You must feed a value for placeholder");
                    try (Result result = session.runner().fetch(ofInlined).run()) {
                        assertThat(((TFloat32) result.get(0)).getFloat()).isEqualTo(-2);
                    }
                }
            }
        }
    }

    @Test
    void sessionCanBeOpenedOnATarget() {
        try (Graph graph = Sessions.newGraph();
                Session session = TensorFlowInternals.openSession(graph, "", Device.CPU.config());
                Result result =
                        session.runner().fetch(Ops.create(graph).constant(7f)).run()) {
            assertThat(((TFloat32) result.get(0)).getFloat())
                    .as(
                            "sessions on a target. If Session has a constructor with a target, use that; if it has lost the private"
                                    + " one, a class in its package can still call TF_SessionRun")
                    .isEqualTo(7);
        }
        try (Graph graph = Sessions.newGraph()) {
            assertThatThrownBy(() -> TensorFlowInternals.openSession(graph, "no-such-kind://x", Device.CPU.config()))
                    .as("the target is not ignored")
                    .isInstanceOf(TensorFlowException.class);
        }
    }

    @Test
    void sessionListsItsDevices() {
        assertThat(Devices.types(Device.CPU))
                .as(
                        "the devices of a session. If the C API is gone, run a constant placed on /GPU:0 instead, which fails"
                                + " without a GPU")
                .isEqualTo(List.of("CPU"));
    }

    /** If TensorFlow Java no longer needs the option, delete requireUnsafe, and the option where the launcher sets it. */
    @Test
    void thisJvmLetsTensorFlowJavaWriteToTensors() {
        assertThatCode(TensorFlowInternals::requireUnsafe).doesNotThrowAnyException();
    }

    /** If TensorFlow Java names operations with ASCII digits in every locale, delete withAsciiDigits. */
    @ParameterizedTest
    @ValueSource(strings = {"ar-EG", "fa-IR", "mr-IN", "ar-u-nu-arab", "th-TH-u-nu-thai", "my-MM", "ne-NP"})
    void onlyDigitsOfLocaleChange(String tag) {
        Locale locale = Locale.forLanguageTag(tag);
        Locale changed = TensorFlowInternals.withAsciiDigits(locale);
        assertThat(String.format(changed, "%d", 1234567890)).isEqualTo("1234567890");
        assertThat(changed.getLanguage()).isEqualTo(locale.getLanguage());
        assertThat(changed.getCountry()).isEqualTo(locale.getCountry());
    }

    /** Includes legacy variants, some of which a locale builder rejects. */
    @Test
    void everyAvailableLocaleGetsAsciiDigits() {
        for (Locale locale : Locale.getAvailableLocales()) {
            Locale changed = TensorFlowInternals.withAsciiDigits(locale);
            assertThat(String.format(changed, "%d", 1234567890))
                    .as(locale.toString())
                    .isEqualTo("1234567890");
        }
        assertThat(TensorFlowInternals.withAsciiDigits(Locale.GERMANY)).isEqualTo(Locale.GERMANY);
    }
}
