package dev.libretto.generate;

/** A {@link ContinuousDecoder} ended because of an error that leaves its model in an unknown state. */
public final class ModelFailedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    ModelFailedException(Throwable cause) {
        super("the model failed: " + cause, cause);
    }
}
