package dev.libretto.device;

import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
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
    /** Loads in the background; null if nothing does. */
    private static volatile Thread loader;

    private static final CompletableFuture<Void> LOADED = new CompletableFuture<>();

    private TensorFlowSetup() {}

    /**
     * Prepares this process for TensorFlow; later calls do nothing. Waits for a load in the background. Variables set by the user
     * stay. If JNA's library cannot be loaded, none is set, and rounding may depend on the processor.
     *
     * @throws UncheckedIOException if this JVM was started without an option that TensorFlow Java needs
     */
    public static void apply() {
        if (loader != null && loader != Thread.currentThread()) {
            LOADED.join();
        }
        applyOnce();
    }

    private static synchronized void applyOnce() {
        if (applied) {
            return;
        }
        Locale.setDefault(
                Locale.Category.FORMAT, TensorFlowInternals.withAsciiDigits(Locale.getDefault(Locale.Category.FORMAT)));
        TensorFlowInternals.requireUnsafe();
        LibC.setDefaults(variables(Build.current()));
        NativeLibraryPath.loadTensorFlow();
        applied = true;
    }

    /**
     * Starts loading TensorFlow and triggering its one-time messages in the background, which shortens start-up. The next use
     * of TensorFlow waits, and throws if loading failed. Later calls do nothing, and neither do calls in the CUDA build, which
     * writes to stderr while it is loaded.
     */
    public static synchronized void loadInBackground() {
        if (loader == null && !Build.current().isCuda()) {
            Thread thread = new Thread(TensorFlowSetup::load, "native library");
            thread.setDaemon(true);
            thread.start();
            loader = thread;
            // System.exit runs the destructors of native libraries, which could crash the loader.
            Runtime.getRuntime().addShutdownHook(new Thread(LOADED::join));
        }
    }

    private static void load() {
        try {
            apply();
            NativeLog.suppressFirstRunMessages();
        } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
            // The next use of TensorFlow throws again.
            return;
        } finally {
            LOADED.complete(null);
        }
    }

    public static String version() {
        apply();
        return TensorFlow.version();
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
