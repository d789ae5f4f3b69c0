package dev.libretto.serve;

import dev.libretto.CharModel;
import dev.libretto.generate.ContinuousDecoder;
import dev.libretto.generate.ModelFailedException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** Weights of a run and the decoder that runs them, open until the last user closes them. */
final class OpenModel implements AutoCloseable {
    /** The use by one request; closing it twice does no harm. */
    final class Lease implements AutoCloseable {
        private final AtomicBoolean isClosed = new AtomicBoolean();

        CharModel model() {
            return model;
        }

        ContinuousDecoder decoder() {
            return decoder;
        }

        @Override
        public void close() {
            if (isClosed.compareAndSet(false, true)) {
                release();
            }
        }
    }

    private final CharModel model;
    private final ContinuousDecoder decoder;
    private final Consumer<OpenModel> onClose;
    /** Requests, and one for the owner. */
    private int users = 1;

    /**
     * @param model closed with this
     * @param onFailure receives why the decoder ended, if it was not closed
     * @param onClose receives this once nothing uses it, with its decoder's last counts
     */
    OpenModel(
            CharModel model,
            ContinuousDecoder.Limits limits,
            Consumer<ModelFailedException> onFailure,
            Consumer<OpenModel> onClose) {
        this.model = model;
        this.onClose = onClose;
        this.decoder = new ContinuousDecoder(model.decoding(true), limits, onFailure);
    }

    ContinuousDecoder decoder() {
        return decoder;
    }

    boolean hasWeightsOf(OpenModel other) {
        return model.weights().sha256().equals(other.model.weights().sha256());
    }

    synchronized Lease lease() {
        if (users == 0) {
            throw new IllegalStateException("the model is closed");
        }
        users++;
        return new Lease();
    }

    private void release() {
        boolean isUnused;
        synchronized (this) {
            isUnused = --users == 0;
        }
        if (isUnused) {
            decoder.close();
            onClose.accept(this);
            model.close();
        }
    }

    /** Ends the owner's use. */
    @Override
    public void close() {
        release();
    }
}
