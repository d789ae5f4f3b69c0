package dev.libretto.generate;

/** A {@link ContinuousDecoder} has as many texts waiting as it may. */
public final class QueueFullException extends RuntimeException {
    private static final long serialVersionUID = 1;

    QueueFullException(int waiting) {
        super(waiting + " texts are waiting already; try again later");
    }
}
