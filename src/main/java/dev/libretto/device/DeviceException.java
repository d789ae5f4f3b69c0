package dev.libretto.device;

import java.io.IOException;

/** Thrown if a device cannot be used; the message is one line for the user: why not, then what to do. */
public final class DeviceException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String reason;

    /** @param advice what to do */
    DeviceException(String reason, String advice) {
        super(reason + "; " + advice);
        this.reason = reason;
    }

    /** Returns the reason without the advice. */
    public String reason() {
        return reason;
    }

    /** Returns a copy whose message names the requested device. */
    DeviceException forRequest(DeviceRequest request) {
        DeviceException named = new DeviceException(
                request + " cannot be used: " + reason, getMessage().substring(reason.length() + 2));
        named.initCause(this);
        return named;
    }
}
