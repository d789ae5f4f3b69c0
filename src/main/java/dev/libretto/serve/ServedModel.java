package dev.libretto.serve;

import java.nio.file.Path;

/** A model that is served under a name: the weights of a run, which may be replaced by newer ones. */
final class ServedModel implements AutoCloseable {
    private final String name;
    private final Path run;
    private OpenModel current;

    /**
     * @param name what requests call it, the name of the run's directory
     * @param current closed with this
     */
    ServedModel(String name, Path run, OpenModel current) {
        this.name = name;
        this.run = run;
        this.current = current;
    }

    String name() {
        return name;
    }

    /** Returns the run's directory. */
    Path run() {
        return run;
    }

    /** Returns the current weights for one request, which closes them when it is done. */
    synchronized OpenModel.Lease lease() {
        return current.lease();
    }

    /** Replaces the weights for new requests; the old ones are closed when the last request with them is done. */
    void replace(OpenModel newer) {
        OpenModel older;
        synchronized (this) {
            older = current;
            current = newer;
        }
        older.close();
    }

    @Override
    public synchronized void close() {
        current.close();
    }

    @Override
    public String toString() {
        return name + " (" + run + ")";
    }
}
