package dev.libretto.device;

import dev.libretto.LibrettoException;

/** Thrown if a computation failed because another host was lost, with its failure as the cause. */
public final class LostHostException extends LibrettoException {
    private static final long serialVersionUID = 1L;

    private final boolean isBack;

    LostHostException(String message, boolean isBack, Throwable cause) {
        super(message, cause);
        this.isBack = isBack;
    }

    /** Returns whether all hosts answer, so that waiting for them does not help. */
    public boolean isBack() {
        return isBack;
    }
}
