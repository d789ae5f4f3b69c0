package dev.libretto.serve;

import dev.libretto.CharModel;
import java.util.concurrent.atomic.AtomicBoolean;

/** Weights of a run that are open, until the last user closes them. */
final class OpenModel implements AutoCloseable {
    /** The use by one request; closing it twice does no harm. */
    final class Lease implements AutoCloseable {
        private final AtomicBoolean isClosed = new AtomicBoolean();

        CharModel model() {
            return model;
        }

        @Override
        public void close() {
            if (isClosed.compareAndSet(false, true)) {
                release();
            }
        }
    }

    private final CharModel model;
    /** Requests, and one for the owner. */
    private int users = 1;

    /** @param model closed with this */
    OpenModel(CharModel model) {
        this.model = model;
    }

    synchronized Lease lease() {
        if (users == 0) {
            throw new IllegalStateException("the model is closed");
        }
        users++;
        return new Lease();
    }

    private synchronized void release() {
        if (--users == 0) {
            model.close();
        }
    }

    /** Ends the owner's use. */
    @Override
    public void close() {
        release();
    }
}
