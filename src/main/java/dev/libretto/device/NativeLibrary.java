package dev.libretto.device;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.tensorflow.TensorFlow;

/** TensorFlow's native library, whose loading is a good part of a start. */
public final class NativeLibrary {
    private static CompletableFuture<String> loading = CompletableFuture.completedFuture("");

    private NativeLibrary() {}

    /**
     * Begins to load it beside other work, which must not use TensorFlow before {@link #await}. The library of the CUDA build
     * is left to its first use, for it writes to stderr as it is loaded: {@link NativeLog} sees to that.
     */
    public static void beginLoading() {
        if (!Build.current().isCuda()) {
            loading = CompletableFuture.supplyAsync(NativeLibrary::version, task -> {
                Thread thread = new Thread(task, "native library");
                thread.setDaemon(true);
                thread.start();
            });
        }
    }

    /** The version of TensorFlow. */
    public static String version() {
        TensorFlowSetup.apply();
        return TensorFlow.version();
    }

    /**
     * Waits until it is loaded, if that has begun.
     *
     * @throws LinkageError if it cannot be loaded
     * @throws UnsupportedJavaException if this Java does not let TensorFlow Java work
     */
    public static void await() {
        try {
            loading.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof UnsupportedJavaException cause) {
                throw cause;
            }
            throw e.getCause() instanceof LinkageError cause ? cause : new LinkageError(e.getMessage(), e);
        }
    }
}
