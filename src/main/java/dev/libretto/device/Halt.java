package dev.libretto.device;

/**
 * The end of the process at once, with no regard to what TensorFlow's threads are in the middle of. {@link Runtime#halt}
 * still runs the destructors of native libraries, under which a thread that computes can crash.
 */
public final class Halt {
    private final LibC libc;

    /** Makes ready, so that nothing is left to load when it is time. */
    public Halt() {
        LibC loaded;
        try {
            loaded = LibC.load();
        } catch (LinkageError e) {
            // Without a place to unpack JNA's library Java's own way has to do.
            loaded = null;
        }
        libc = loaded;
    }

    /** Ends the process. */
    public void now(int exitCode) {
        if (libc != null) {
            libc._exit(exitCode);
        }
        Runtime.getRuntime().halt(exitCode);
    }
}
