package dev.libretto.train;

/** Thrown when training diverges and no rollback is left. */
public final class DivergenceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DivergenceException(String message) {
        super(message);
    }
}
