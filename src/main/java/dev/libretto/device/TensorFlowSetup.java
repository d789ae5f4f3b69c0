package dev.libretto.device;

import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.regex.Pattern;
import org.tensorflow.TensorFlow;

/**
 * Sets TensorFlow's environment before its native library is loaded, so that the same seed gives the same bits however the
 * program is started. Call {@link #apply} before loading the library.
 */
public final class TensorFlowSetup {
    /**
     * Variables that change how TensorFlow and its libraries compute. Not every TF_ variable is TensorFlow's: Terraform
     * has some.
     */
    private static final Pattern EFFECTIVE = Pattern.compile(
            "TF_(ENABLE|DISABLE|DETERMINISTIC|ONEDNN|MKL|XLA|GPU|CUDA|CUDNN|CUBLAS|FORCE|NUM|USE|OVERRIDE)_.*"
                    + "|(ONEDNN|DNNL|OMP|KMP|XLA|CUBLAS|CUDNN)_.*|CUDA_VISIBLE_DEVICES|NVIDIA_TF32_OVERRIDE");

    private static boolean applied;
    private static CompletableFuture<String> loading = CompletableFuture.completedFuture("");

    private TensorFlowSetup() {}

    /**
     * Prepares this process for TensorFlow; later calls do nothing. Variables set by the user stay. If JNA's library
     * cannot be loaded, none is set, and rounding may depend on the processor.
     *
     * @throws UncheckedIOException if this JVM was started without an option that TensorFlow Java needs
     */
    public static synchronized void apply() {
        if (applied) {
            return;
        }
        Locale.setDefault(
                Locale.Category.FORMAT, TensorFlowInternals.withAsciiDigits(Locale.getDefault(Locale.Category.FORMAT)));
        TensorFlowInternals.requireUnsafe();
        LibC.setDefaults(variables(Build.current()));
        applied = true;
    }

    /**
     * Starts loading in the background, which shortens start-up. Call {@link #await} before using TensorFlow. The CUDA build
     * loads on first use instead, since loading writes to stderr, which {@link NativeLog} suppresses.
     */
    public static void loadInBackground() {
        if (!Build.current().isCuda()) {
            loading = CompletableFuture.supplyAsync(TensorFlowSetup::version, task -> {
                Thread thread = new Thread(task, "native library");
                thread.setDaemon(true);
                thread.start();
            });
        }
    }

    public static String version() {
        apply();
        return TensorFlow.version();
    }

    /** Waits for a load in the background to finish; throws what it threw. */
    public static void await() {
        try {
            loading.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof UncheckedIOException cause) {
                throw cause;
            }
            throw e.getCause() instanceof LinkageError cause ? cause : new LinkageError(e.getMessage(), e);
        }
    }

    /** Returns the variables of an environment that may change results or speed and are not as Libretto sets them. */
    public static Map<String, String> overridden(Map<String, String> environment) {
        Map<String, String> defaults = variables(Build.current());
        Map<String, String> overridden = new TreeMap<>(environment);
        overridden
                .entrySet()
                .removeIf(variable -> variable.getValue().isEmpty()
                        || !EFFECTIVE.matcher(variable.getKey()).matches()
                        || variable.getValue().equals(defaults.get(variable.getKey())));
        return overridden;
    }

    /** Returns Libretto's defaults for TensorFlow's environment variables. */
    static Map<String, String> variables(Build build) {
        Map<String, String> variables = new LinkedHashMap<>();
        variables.put(NativeLog.LEVEL, "2");
        // TensorFlow enables oneDNN on some processors only; it is faster on the others, too.
        variables.put("TF_ENABLE_ONEDNN_OPTS", "1");
        // Gives each session its own intra-op threads. Otherwise all share those of the first session.
        variables.put("TF_OVERRIDE_GLOBAL_THREADPOOL", "1");
        // Otherwise a session waits for a lost worker to return, also while it is closed.
        variables.put("GRPC_FAIL_FAST", "true");
        if (build.isCuda()) {
            // Force deterministic reductions. Scatters are deterministic anyway, as no index occurs twice. cuBLAS needs
            // a workspace per stream.
            variables.put("TF_DETERMINISTIC_OPS", "1");
            variables.put("TF_DISABLE_SCATTER_OP_DETERMINISM", "1");
            variables.put("CUBLAS_WORKSPACE_CONFIG", ":4096:8");
        }
        return variables;
    }
}
