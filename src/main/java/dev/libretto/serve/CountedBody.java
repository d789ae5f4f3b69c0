package dev.libretto.serve;

import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;

/** A request whose body is counted as it is read; reading fails with an {@link ApiException} if there is no room for it. */
final class CountedBody extends Request.Wrapper {
    private final MemoryBudget.Share bodies;

    CountedBody(Request request, MemoryBudget bodies) {
        super(request);
        this.bodies = bodies.share(request);
    }

    @Override
    public Content.Chunk read() {
        Content.Chunk chunk = super.read();
        if (chunk == null || Content.Chunk.isFailure(chunk) || bodies.hold(chunk.remaining())) {
            return chunk;
        }
        chunk.release();
        ApiException full = new ApiException(
                HttpStatus.TOO_MANY_REQUESTS_429,
                "the server is receiving too much text; try again later",
                null,
                "bodies_full");
        return Content.Chunk.from(full, true);
    }
}
