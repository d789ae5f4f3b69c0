package dev.libretto.serve;

import dev.libretto.LibrettoException;
import dev.libretto.generate.ContinuousDecoder;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.End;
import dev.libretto.generate.ModelFailedException;
import dev.libretto.generate.QueueFullException;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.serve.Metrics.Cancellation;
import dev.libretto.text.Vocabulary;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.QuietException;
import org.eclipse.jetty.util.IteratingCallback;

/**
 * An answer that a decoder computes: parts that are submitted together. The decoder's thread adds to it and never waits; threads of
 * the server send it. If the client goes away, the decoder's rows are free at its next step.
 */
abstract class Answer {
    /** What {@link Answer} and the decoder share. */
    record Context(OpenModel.Lease lease, String model, Metrics metrics, Consumer<String> log) {
        Vocabulary vocabulary() {
            return lease.model().vocabulary();
        }
    }

    private final Exchange exchange;
    private final Context context;
    private final String type;
    private final DisconnectWatch watch;
    private final Executor executor;
    private final long begun = System.nanoTime();
    private final AtomicBoolean hasFirst = new AtomicBoolean();
    private final List<ContinuousDecoder.Handle> handles = new CopyOnWriteArrayList<>();
    private final Sender sender = new Sender();
    private final AtomicBoolean isOver = new AtomicBoolean();
    /** Whether all parts are submitted. */
    private volatile boolean isReady;
    /** Guarded by this. */
    private int running;

    private RuntimeException failure;

    /**
     * @param context its lease is closed when the answer is complete
     * @param type of the content
     */
    Answer(Exchange exchange, Context context, String type) {
        this.exchange = exchange;
        this.context = context;
        this.type = type;
        this.executor = exchange.request().getComponents().getExecutor();
        this.watch = new DisconnectWatch(exchange.request(), this::cancel);
    }

    /** A text that the decoder reads or writes. */
    abstract class Part implements ContinuousDecoder.Listener {
        private final int[] prefix;
        private final int sample;
        private final Decoder.Options options;

        Part(int[] prefix, int sample, Decoder.Options options) {
            this.prefix = prefix;
            this.sample = sample;
            this.options = options;
        }

        @Override
        public void written(ScoredCharacter character) {
            noteFirst();
        }

        @Override
        public void ended(End end) {
            noteFirst();
            synchronized (Answer.this) {
                running--;
            }
            wake();
        }

        @Override
        public void failed(RuntimeException cause) {
            // The server's messages have a failure of the model once, not for each of its texts.
            if (!(cause instanceof CancellationException || cause instanceof ModelFailedException)) {
                context.log().accept("a text could not be written: " + LibrettoException.oneLine(cause.toString()));
            }
            synchronized (Answer.this) {
                failure = cause;
            }
            wake();
        }
    }

    /**
     * Returns what is to be sent now; nothing if there is nothing new.
     *
     * @param isLast whether all parts have ended
     */
    abstract byte[] next(boolean isLast);

    /** Returns the last that is to be sent if a part failed. */
    abstract byte[] error(ApiException error);

    /** Submits the parts; the answer follows. */
    void start(List<? extends Part> parts) throws ApiException {
        running = parts.size();
        try {
            for (Part part : parts) {
                handles.add(context.lease().decoder().submit(part.prefix, part.sample, part.options, part));
            }
            exchange.setHeader(HttpHeader.CONTENT_TYPE, type);
            watch.start();
        } catch (QueueFullException e) {
            abandon();
            throw new ApiException(
                    HttpStatus.TOO_MANY_REQUESTS_429,
                    "too many texts are waiting; try again later",
                    null,
                    "queue_full");
        } catch (ModelFailedException e) {
            abandon();
            throw ApiException.modelFailed();
        } catch (IllegalStateException e) {
            abandon();
            throw ApiException.shuttingDown();
        } catch (RuntimeException | Error e) {
            abandon();
            throw e;
        }
        isReady = true;
        wake();
    }

    private void abandon() {
        isOver.set(true);
        handles.forEach(ContinuousDecoder.Handle::cancel);
        context.lease().close();
    }

    private void noteFirst() {
        if (hasFirst.compareAndSet(false, true)) {
            context.metrics().firstCharacter(context.model(), (System.nanoTime() - begun) / 1e9);
        }
    }

    /** Has a thread of the server send what is new. */
    void wake() {
        if (isReady && !isOver.get()) {
            sender.wake();
        }
    }

    void setStatus(int status) {
        exchange.response().setStatus(status);
    }

    /** Frees the rows, and closes the connection. */
    void cancel(Cancellation reason) {
        if (!isOver.compareAndSet(false, true)) {
            return;
        }
        context.metrics().cancelled(reason);
        handles.forEach(ContinuousDecoder.Handle::cancel);
        watch.stop();
        // Closing the last lease waits for the decoder's thread, which may be this one.
        execute(() -> {
            context.lease().close();
            exchange.abandon(reason);
        });
    }

    private void execute(Runnable task) {
        try {
            executor.execute(task);
        } catch (RejectedExecutionException e) {
            // The server has stopped, and has closed all connections.
        }
    }

    private final class Sender extends IteratingCallback {
        private final AtomicBoolean isWoken = new AtomicBoolean();
        private boolean isLast;
        private boolean isReusable;

        void wake() {
            if (isWoken.compareAndSet(false, true)) {
                execute(this::iterate);
            }
        }

        @Override
        protected Action process() {
            if (isLast) {
                return Action.SUCCEEDED;
            }
            isWoken.set(false);
            RuntimeException cause;
            synchronized (Answer.this) {
                cause = failure;
                isLast = running == 0 || cause != null;
            }
            if (isLast) {
                isReusable = watch.stop();
            }
            byte[] next;
            try {
                next = cause == null ? next(isLast) : error(ApiException.ofDecoder(cause));
            } catch (RuntimeException | OutOfMemoryError e) {
                context.log().accept("an answer could not be written: " + LibrettoException.oneLine(e.toString()));
                isLast = true;
                isReusable = watch.stop();
                next = error(ApiException.internal());
            }
            if (!isLast && next.length == 0) {
                return Action.IDLE;
            }
            exchange.response().write(isLast, ByteBuffer.wrap(next), this);
            return Action.SCHEDULED;
        }

        @Override
        protected void onCompleteSuccess() {
            if (!isOver.compareAndSet(false, true)) {
                return;
            }
            handles.forEach(ContinuousDecoder.Handle::cancel);
            context.lease().close();
            if (isReusable) {
                exchange.callback().succeeded();
            } else {
                exchange.callback().failed(new QuietException.Exception("the client sent more than a request"));
            }
        }

        @Override
        protected void onCompleteFailure(Throwable cause) {
            cancel(Cancellation.of(cause));
        }
    }
}
