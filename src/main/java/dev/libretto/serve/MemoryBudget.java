package dev.libretto.serve;

import org.eclipse.jetty.server.Request;

/** Limits the bytes that all requests hold together. A request that needs more than the limit has room if no other holds any. */
final class MemoryBudget {
    private final long most;
    /** Guarded by this, as are the shares. */
    private long held;

    MemoryBudget(long most) {
        this.most = most;
    }

    /** Returns what a request holds, until it is answered. */
    Share share(Request request) {
        Share share = new Share();
        Request.addCompletionListener(request, failure -> share.release());
        return share;
    }

    final class Share {
        private long bytes;
        private boolean isReleased;

        /** Holds more bytes; returns false if there is no room for them. */
        boolean hold(long more) {
            synchronized (MemoryBudget.this) {
                boolean othersHold = held > bytes;
                if (othersHold && held + more > most) {
                    return false;
                }
                // Once the request is answered, nobody keeps them.
                if (!isReleased) {
                    bytes += more;
                    held += more;
                }
                return true;
            }
        }

        private void release() {
            synchronized (MemoryBudget.this) {
                isReleased = true;
                held -= bytes;
                bytes = 0;
            }
        }
    }
}
