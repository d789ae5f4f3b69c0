package dev.libretto.serve;

import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;

/** Limits the bytes of all bodies together, from their arrival until their requests are answered. */
final class BodyBudget {
    private final long most;
    private final AtomicLong held = new AtomicLong();

    BodyBudget(long most) {
        this.most = most;
    }

    /** Returns a request whose body is counted as it is read; reading fails with an {@link ApiException} if there is no room. */
    Request counted(Request request) {
        Counted counted = new Counted(request);
        Request.addCompletionListener(request, failure -> counted.release());
        return counted;
    }

    private final class Counted extends Request.Wrapper {
        private long bytes;
        private boolean isReleased;

        Counted(Request request) {
            super(request);
        }

        @Override
        public Content.Chunk read() {
            Content.Chunk chunk = super.read();
            if (chunk == null || Content.Chunk.isFailure(chunk) || hasRoom(chunk.remaining())) {
                return chunk;
            }
            chunk.release();
            return Content.Chunk.from(full(), true);
        }

        private synchronized boolean hasRoom(int more) {
            if (isReleased) {
                // Answered before the body arrived, so nobody keeps it.
                return true;
            }
            bytes += more;
            return held.addAndGet(more) <= most;
        }

        private synchronized void release() {
            isReleased = true;
            held.addAndGet(-bytes);
        }
    }

    private static ApiException full() {
        return new ApiException(
                HttpStatus.TOO_MANY_REQUESTS_429,
                "the server is receiving too much text; try again later",
                null,
                "bodies_full");
    }
}
