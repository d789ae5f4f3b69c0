package dev.libretto.device;

import java.io.IOException;

/** A device that cannot be used; the message is one line for the user: why not, and what to do. */
public final class DeviceException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String reason;

    /** @param advice what to do */
    DeviceException(String reason, String advice) {
        super(reason + "; " + advice);
        this.reason = reason;
    }

    /** Why not, without what to do. */
    public String reason() {
        return reason;
    }

    /** The same of what was asked for. */
    DeviceException of(DeviceRequest request) {
        DeviceException named = new DeviceException(
                request + " cannot be used: " + reason, getMessage().substring(reason.length() + 2));
        named.initCause(this);
        return named;
    }
}
