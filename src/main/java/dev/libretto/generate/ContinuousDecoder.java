package dev.libretto.generate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.commons.lang3.ArrayUtils;

/**
 * Continues texts that arrive at any time, as rows of one batch: continuous batching (Yu et al., "Orca", 2022). A text joins at
 * the next step, and one that ends or is cancelled leaves at once. What is written does not depend on which texts share the batch,
 * to the bit, as {@link BatchInvariance} has measured.
 *
 * <p>A text's prefix is read before it is written on, many characters at once where that is possible. Reading gets at most about
 * half of the time while others write. The state after a text is kept, so that a text that continues it is not read again.
 *
 * <p>A thread of this decoder's own runs the model, which nothing else may use until {@link #close}; the model stays open. All
 * methods may be called by any thread.
 */
public final class ContinuousDecoder implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger("dev.libretto");

    /**
     * What a decoder may use.
     *
     * @param rows the most texts that are read or written at once
     * @param queue the most texts that wait for a row
     * @param stateBytes the most bytes of the states that are kept, and of their texts
     */
    public record Limits(int rows, int queue, long stateBytes) {
        /** @throws IllegalArgumentException if a value is out of range */
        public Limits {
            if (rows < 1 || queue < 0 || stateBytes < 0) {
                throw new IllegalArgumentException("there are " + rows + " rows, a queue of " + queue + " and "
                        + stateBytes + " bytes for states; there must be at least 1 row, and neither may be negative");
            }
        }
    }

    /**
     * Receives one text. All methods are called by the decoder's thread, so they must not block. {@link #ended} or {@link #failed}
     * is the last call; after {@link Handle#cancel} there is none but one that is in progress.
     */
    public interface Listener {
        /**
         * Called when the prefix is read, if its log-probabilities are requested.
         *
         * @param characters the prefix's characters after the first, or all for a model of documents
         */
        default void read(List<ScoredCharacter> characters) {}

        /** Called as soon as a character is known to be part of the text. */
        void written(ScoredCharacter character);

        void ended(End end);

        /**
         * Called if the model, the sampler or this listener threw, or the decoder was closed.
         *
         * @param cause a {@link CancellationException} if it was closed, a {@link ModelFailedException} if it ended by itself
         */
        void failed(RuntimeException cause);
    }

    /** A text that was submitted. */
    public interface Handle {
        /** Ends the text; its row is free at the next step. Does nothing if it has ended. */
        void cancel();
    }

    /**
     * What a decoder does, and has done since it was opened.
     *
     * @param rows texts that are read or written
     * @param waiting texts that wait for a row
     * @param states states that are kept
     * @param stateBytes the bytes of the states and their texts
     * @param hits texts that continued one whose state was kept
     * @param misses other texts that had to be read
     * @param read characters of prefixes that were read
     * @param written characters that were written
     * @param steps runs of the model
     * @param stepRows the sum of the rows of those runs
     */
    public record Counts(
            int rows,
            int waiting,
            int states,
            long stateBytes,
            long hits,
            long misses,
            long read,
            long written,
            long steps,
            long stepRows) {}

    /** A row of a batch: its state is a row of joined arrays. */
    private abstract static class Member {
        List<float[]> joined;
        int row;

        void setState(List<float[]> newJoined, int newRow) {
            joined = newJoined;
            row = newRow;
        }

        /** Returns a copy of its state. */
        List<float[]> state(int... sizes) {
            List<float[]> state = new ArrayList<>();
            for (int i = 0; i < sizes.length; i++) {
                state.add(Arrays.copyOfRange(joined.get(i), row * sizes[i], (row + 1) * sizes[i]));
            }
            return state;
        }
    }

    /** A text that is read, for one or several that continue it. */
    private static final class Reading extends Member {
        private final int[] prefix;
        /** What precedes the prefix's last character, {@link TextModel#beginning} included. */
        private final int[] text;

        private final int last;
        private final Decoder.Scoring scoring;
        /** The characters after the first; null if they are not scored. */
        private final List<ScoredCharacter> scored;

        private final Set<Writing> writings = new LinkedHashSet<>();
        private int position;

        Reading(Writing writing, int[] text) {
            this.prefix = writing.prefix;
            this.text = text;
            this.last = writing.text.last();
            this.scoring = writing.options.scoring();
            this.scored = scoring.ofPrefix() ? new ArrayList<>() : null;
            add(writing);
        }

        void add(Writing writing) {
            writings.add(writing);
            writing.readBefore = text;
        }

        boolean isFor(Writing writing) {
            Decoder.Scoring other = writing.options.scoring();
            int before = Math.max(0, prefix.length - 1);
            return scoring.ofPrefix() == other.ofPrefix()
                    && (!scoring.ofPrefix() || scoring.top() == other.top() && last == writing.text.last())
                    && prefix.length == writing.prefix.length
                    && Arrays.equals(prefix, 0, before, writing.prefix, 0, before);
        }

        boolean isOver() {
            return position == text.length;
        }

        /** Returns the characters that are read. */
        int[] read() {
            return isOver() ? text : Arrays.copyOf(text, position);
        }
    }

    /** A text that was submitted, and is written once its prefix is read. */
    private final class Writing extends Member implements Handle {
        /** The caller's, because many texts with a long prefix may wait. */
        private final int[] prefix;

        private final int sample;
        private final Decoder.Options options;
        private final Listener listener;
        /** Null until the text has a row. */
        private Row text;
        /** The {@link Reading#text} of its reading. */
        private int[] readBefore;
        /** The characters after those that the model has read. */
        private int[] fed = new int[16];

        private int fedCount;
        private volatile boolean isCancelled;

        Writing(int[] prefix, int sample, Decoder.Options options, Listener listener) {
            this.prefix = prefix;
            this.sample = sample;
            this.options = options;
            this.listener = listener;
        }

        void begin() {
            text = new Row(model, prefix, sample, options, this::pass);
        }

        private void pass(ScoredCharacter character) {
            written++;
            if (!isCancelled) {
                listener.written(character);
            }
        }

        /** Returns the next character to read. */
        int feed() {
            fed = fedCount == fed.length ? Arrays.copyOf(fed, 2 * fedCount) : fed;
            fed[fedCount++] = text.last();
            return text.last();
        }

        /** Returns to a state before the last characters. */
        void goBack(List<float[]> before, int rowBefore, int characters) {
            setState(before, rowBefore);
            fedCount -= characters;
        }

        int[] read() {
            return ArrayUtils.addAll(readBefore, Arrays.copyOf(fed, fedCount));
        }

        boolean isGreedy() {
            return options.sampler() == Sampler.GREEDY
                    && options.scoring().top() == 0
                    && !options.scoring().ofText();
        }

        @Override
        public void cancel() {
            isCancelled = true;
            synchronized (lock) {
                waiting.remove(this);
            }
        }
    }

    private final TextModel model;
    private final Limits limits;
    private final LongSupplier clock;
    private final BatchInvariance invariance;
    private final StateCache states;
    /** The numbers of a row in each array of a state. */
    private final int[] sizes;

    private final Thread thread;

    private final Object lock = new Object();
    /** Guarded by the lock, as are the next two. */
    private final Deque<Writing> waiting = new ArrayDeque<>();

    private int rows;
    private boolean isClosed;

    private final Consumer<ModelFailedException> onFailure;
    /** Null unless the decoder ended by itself. */
    private volatile ModelFailedException modelFailure;

    /** Texts that have a row. Used by the decoder's thread only, as are the next two. */
    private final Set<Writing> active = new LinkedHashSet<>();

    private final List<Reading> readings = new ArrayList<>();

    private final List<Writing> writings = new ArrayList<>();
    /** The time that others have left before the next reading of many characters. */
    private long timeOfOthers;

    private volatile long read;
    private volatile long written;
    private volatile long steps;
    private volatile long stepRows;

    /** Opens a decoder. This measures the model's {@link BatchInvariance} first. */
    public ContinuousDecoder(TextModel model, Limits limits) {
        this(model, limits, failure -> {});
    }

    /** @param onFailure receives the cause at most once, from the decoder's thread, if the decoder ends without being closed */
    public ContinuousDecoder(TextModel model, Limits limits, Consumer<ModelFailedException> onFailure) {
        this(model, limits, onFailure, System::nanoTime);
    }

    /** @param clock in nanoseconds */
    ContinuousDecoder(TextModel model, Limits limits, Consumer<ModelFailedException> onFailure, LongSupplier clock) {
        this.onFailure = onFailure;
        this.model = model.forBatches();
        this.limits = limits;
        this.clock = clock;
        this.invariance = BatchInvariance.of(this.model, limits.rows());
        this.states = new StateCache(limits.stateBytes());
        this.sizes = model.zeroState(1).stream().mapToInt(array -> array.length).toArray();
        this.thread = new Thread(this::run, "decoder");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Continues a text once a row is free. Does not block.
     *
     * @param prefix at least one id except for a model of documents; not to be modified before the text has ended
     * @param sample which sample of this seed
     * @throws QueueFullException if too many texts are waiting
     * @throws IllegalArgumentException if the prefix is empty or has an id that the model does not know
     * @throws ModelFailedException if the decoder ended by itself
     * @throws IllegalStateException if the decoder is closed
     */
    public Handle submit(int[] prefix, int sample, Decoder.Options options, Listener listener) {
        if (prefix.length + model.beginning().length == 0) {
            throw new IllegalArgumentException("the prefix is empty; it needs at least one character");
        }
        for (int id : prefix) {
            if (id < 0 || id >= model.config().vocabularySize()) {
                throw new IllegalArgumentException("the prefix has the id " + id + ", but the model knows "
                        + model.config().vocabularySize());
            }
        }
        Writing writing = new Writing(prefix, sample, options, listener);
        synchronized (lock) {
            if (modelFailure != null) {
                throw new ModelFailedException(modelFailure.getCause());
            }
            if (isClosed) {
                throw new IllegalStateException("the decoder is closed");
            }
            // Texts that get a row at the next step do not count.
            if (waiting.size() >= limits.queue() + limits.rows() - rows) {
                throw new QueueFullException(waiting.size());
            }
            waiting.add(writing);
            lock.notifyAll();
        }
        return writing;
    }

    /** Returns why the decoder ended, if it was not closed. */
    public Optional<ModelFailedException> modelFailure() {
        return Optional.ofNullable(modelFailure);
    }

    public Counts counts() {
        synchronized (lock) {
            return new Counts(
                    rows,
                    waiting.size(),
                    states.size(),
                    states.bytes(),
                    states.hits(),
                    states.misses(),
                    read,
                    written,
                    steps,
                    stepRows);
        }
    }

    /** Fails all texts with a {@link CancellationException}, and ends the decoder's thread. */
    @Override
    public void close() {
        synchronized (lock) {
            isClosed = true;
            lock.notifyAll();
        }
        boolean isInterrupted = false;
        while (thread.isAlive() && Thread.currentThread() != thread) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        RuntimeException cause = new CancellationException("the decoder was closed");
        try {
            for (List<Writing> admitted = admit(); admitted != null; admitted = admit()) {
                advance(admitted);
            }
        } catch (RuntimeException | Error e) {
            modelFailure = new ModelFailedException(e);
            cause = modelFailure;
            onFailure.accept(modelFailure);
        } finally {
            closeAll(cause);
        }
    }

    private void closeAll(RuntimeException cause) {
        List<Writing> left = new ArrayList<>(active);
        active.clear();
        synchronized (lock) {
            isClosed = true;
            left.addAll(waiting);
            waiting.clear();
            rows = 0;
        }
        left.forEach(writing -> fail(writing, cause));
    }

    /** Gives free rows to waiting texts, and returns these; waits until there is a text. Returns null if the decoder is closed. */
    private List<Writing> admit() {
        List<Writing> admitted = new ArrayList<>();
        synchronized (lock) {
            while (!isClosed && rows == 0 && waiting.isEmpty()) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    // Nobody has this thread but this decoder, which does not interrupt it.
                    throw new IllegalStateException(e);
                }
            }
            while (rows < limits.rows() && !waiting.isEmpty()) {
                admitted.add(waiting.remove());
                rows++;
            }
            active.addAll(admitted);
            return isClosed ? null : admitted;
        }
    }

    private void advance(List<Writing> admitted) {
        try {
            admitted.forEach(this::begin);
            leave();
            advance();
        } catch (RuntimeException | OutOfMemoryError e) {
            readings.clear();
            RuntimeException failure = failure(e);
            List.copyOf(active).forEach(writing -> fail(writing, failure));
        }
    }

    /** Begins to read a text's prefix, or joins another text whose prefix is the same. */
    private void begin(Writing writing) {
        writing.begin();
        Decoder.Scoring scoring = writing.options.scoring();
        if (writing.text.end() != null && !scoring.ofPrefix()) {
            end(writing);
            return;
        }
        for (Reading reading : readings) {
            if (reading.isFor(writing)) {
                reading.add(writing);
                return;
            }
        }
        int[] all = ArrayUtils.addAll(model.beginning(), writing.prefix);
        int[] text = Arrays.copyOf(all, all.length - 1);
        // A state does not tell how likely the characters before it were.
        StateCache.Kept kept = scoring.ofPrefix() || text.length == 0 ? null : states.find(text);
        boolean isKept = kept != null && kept.text().length == text.length;
        Reading reading = new Reading(writing, isKept ? kept.text() : text);
        reading.position = kept == null ? 0 : kept.text().length;
        reading.setState(kept == null ? model.zeroState(1) : kept.state(), 0);
        readings.add(reading);
        endIfRead(reading);
    }

    /** Removes cancelled texts. */
    private void leave() {
        for (Writing writing : List.copyOf(writings)) {
            if (writing.isCancelled) {
                keep(writing);
                free(writing);
            }
        }
        for (Reading reading : List.copyOf(readings)) {
            for (Writing writing : List.copyOf(reading.writings)) {
                if (writing.isCancelled) {
                    reading.writings.remove(writing);
                    free(writing);
                }
            }
            if (reading.writings.isEmpty()) {
                states.keep(reading.read(), reading.state(sizes));
                readings.remove(reading);
            }
        }
    }

    /** Frees a text's row if it has one, and its state, which whoever has the handle would keep otherwise. */
    private void free(Writing writing) {
        writings.remove(writing);
        writing.setState(List.of(), 0);
        if (active.remove(writing)) {
            synchronized (lock) {
                rows--;
            }
        }
    }

    /** Computes the next characters of all texts, or reads on. */
    private void advance() {
        List<Member> stepping = new ArrayList<>();
        List<Reading> reading = new ArrayList<>();
        for (Reading each : readings) {
            boolean isLong = each.text.length - each.position >= DecodingGraph.STEPS;
            if (invariance.readsAlike() && isLong && each.scored == null) {
                reading.add(each);
            } else {
                stepping.add(each);
            }
        }
        stepping.addAll(writings);
        long start = clock.getAsLong();
        if (!reading.isEmpty() && (stepping.isEmpty() || timeOfOthers <= 0)) {
            batches(reading).forEach(this::read);
            timeOfOthers = clock.getAsLong() - start;
        } else {
            batches(stepping).forEach(this::step);
            timeOfOthers -= clock.getAsLong() - start;
        }
    }

    private <T> List<List<T>> batches(List<T> members) {
        List<List<T>> batches = new ArrayList<>();
        for (int from = 0; from < members.size(); from += invariance.most()) {
            batches.add(members.subList(from, Math.min(from + invariance.most(), members.size())));
        }
        return batches;
    }

    /** Reads many characters of each prefix. */
    private void read(List<Reading> batch) {
        int size = invariance.sizeFor(batch.size());
        int[][] ids = new int[DecodingGraph.STEPS][size];
        for (int row = 0; row < batch.size(); row++) {
            Reading reading = batch.get(row);
            for (int t = 0; t < ids.length; t++) {
                ids[t][row] = reading.text[reading.position + t];
            }
        }
        try {
            setState(batch, model.read(ids, join(batch, size)));
        } catch (RuntimeException | OutOfMemoryError e) {
            fail(batch, e);
            return;
        }
        count(batch.size());
        read += (long) batch.size() * ids.length;
        for (Reading reading : batch) {
            reading.position += ids.length;
            endIfRead(reading);
        }
    }

    /** Computes the next character of each text. */
    private void step(List<Member> batch) {
        int size = invariance.sizeFor(batch.size());
        if (invariance.writesAlike()
                && batch.stream().allMatch(member -> member instanceof Writing writing && writing.isGreedy())) {
            writeGreedily(batch, size);
            return;
        }
        int[] ids = new int[size];
        for (int row = 0; row < batch.size(); row++) {
            Member member = batch.get(row);
            ids[row] = member instanceof Writing writing
                    ? writing.feed()
                    : ((Reading) member).text[((Reading) member).position];
        }
        List<float[]> before;
        TextModel.Step step;
        try {
            before = join(batch, size);
            step = model.step(ids, before);
            setState(batch, step.state());
        } catch (RuntimeException | OutOfMemoryError e) {
            fail(batch, e);
            return;
        }
        count(batch.size());
        for (int row = 0; row < batch.size(); row++) {
            if (batch.get(row) instanceof Writing writing) {
                float[] logits = step.ofRow(row, size);
                boolean isWell = tell(writing, () -> writing.text.accept(writing.text.choose(logits)));
                if (isWell && writing.isCancelled) {
                    // Its listener does not know of this character.
                    writing.goBack(before, row, 1);
                } else if (isWell) {
                    endIfWritten(writing);
                }
            } else {
                accept((Reading) batch.get(row), step, row, size);
            }
        }
    }

    private void accept(Reading reading, TextModel.Step step, int row, int size) {
        reading.position++;
        read++;
        if (reading.scored != null) {
            int next = reading.isOver() ? reading.last : reading.text[reading.position];
            reading.scored.add(ScoredCharacter.of(step.ofRow(row, size), next, reading.scoring.top()));
        }
        endIfRead(reading);
    }

    /** Writes as many of the most likely characters as the model computes at once. */
    private void writeGreedily(List<Member> batch, int size) {
        int[] last = new int[size];
        for (int row = 0; row < batch.size(); row++) {
            last[row] = ((Writing) batch.get(row)).text.last();
        }
        TextModel.Written next;
        List<float[]> before;
        List<float[]> after;
        try {
            before = join(batch, size);
            next = model.writeGreedily(last, before, false, DecodingGraph.FEW_STEPS);
            after = List.copyOf(next.state());
        } catch (RuntimeException | OutOfMemoryError e) {
            fail(batch, e);
            return;
        }
        count(batch.size());
        for (int row = 0; row < batch.size(); row++) {
            Writing writing = (Writing) batch.get(row);
            int fedBefore = writing.fedCount;
            int column = row;
            boolean isWell = tell(writing, () -> {
                for (ScoredCharacter[] characters : next.characters()) {
                    if (writing.text.end() == null) {
                        writing.feed();
                        writing.text.accept(characters[column]);
                    }
                }
            });
            if (!isWell) {
                continue;
            }
            int fed = writing.fedCount - fedBefore;
            writing.setState(after, row);
            if (writing.isCancelled || fed < next.characters().length) {
                // The state where the text ended is not known, but that before these characters is.
                writing.goBack(before, row, fed);
            }
            if (!writing.isCancelled) {
                endIfWritten(writing);
            }
        }
    }

    private void count(int computed) {
        steps++;
        stepRows += computed;
    }

    private void endIfWritten(Writing writing) {
        if (writing.text.end() != null) {
            keep(writing);
            end(writing);
        }
    }

    private void keep(Writing writing) {
        states.keep(writing.read(), writing.state(sizes));
    }

    private void end(Writing writing) {
        free(writing);
        tell(writing, () -> writing.listener.ended(writing.text.end()));
    }

    /** Lets the texts be written whose prefix is read. */
    private void endIfRead(Reading reading) {
        if (!reading.isOver()) {
            return;
        }
        readings.remove(reading);
        List<float[]> state = reading.state(sizes);
        states.keep(reading.text, state);
        for (Writing writing : reading.writings) {
            writing.setState(state, 0);
            writings.add(writing);
            boolean isWell = reading.scored == null || tell(writing, () -> writing.listener.read(reading.scored));
            if (isWell && writing.text.end() != null) {
                end(writing);
            }
        }
    }

    /** Returns the states of rows as arrays of {@code size} rows. */
    private List<float[]> join(List<? extends Member> batch, int size) {
        List<float[]> joined = batch.get(0).joined;
        boolean isJoined = joined.get(0).length == size * sizes[0];
        for (int row = 0; isJoined && row < batch.size(); row++) {
            isJoined = batch.get(row).joined == joined && batch.get(row).row == row;
        }
        if (isJoined) {
            return joined;
        }
        List<float[]> arrays = new ArrayList<>();
        for (int i = 0; i < sizes.length; i++) {
            float[] array = new float[size * sizes[i]];
            for (int row = 0; row < batch.size(); row++) {
                Member member = batch.get(row);
                System.arraycopy(member.joined.get(i), member.row * sizes[i], array, row * sizes[i], sizes[i]);
            }
            arrays.add(array);
        }
        return arrays;
    }

    private static void setState(List<? extends Member> batch, List<float[]> state) {
        // The list is valid until the model's next call only.
        List<float[]> joined = List.copyOf(state);
        for (int row = 0; row < batch.size(); row++) {
            batch.get(row).setState(joined, row);
        }
    }

    private static RuntimeException failure(Throwable cause) {
        return cause instanceof RuntimeException known ? known : new IllegalStateException(cause.toString(), cause);
    }

    /** Fails the texts of some rows. */
    private void fail(Collection<? extends Member> members, Throwable cause) {
        RuntimeException failure = failure(cause);
        for (Member member : members) {
            if (member instanceof Reading reading) {
                readings.remove(reading);
                reading.writings.forEach(writing -> fail(writing, failure));
            } else {
                fail((Writing) member, failure);
            }
        }
    }

    private void fail(Writing writing, RuntimeException cause) {
        free(writing);
        if (!writing.isCancelled) {
            writing.isCancelled = true;
            try {
                writing.listener.failed(cause);
            } catch (RuntimeException | OutOfMemoryError e) {
                LOGGER.log(System.Logger.Level.WARNING, "a listener could not be told of a failure", e);
            }
        }
    }

    /** Calls a text's sampler and listener; fails the text if one throws. Returns whether none did. */
    private boolean tell(Writing writing, Runnable call) {
        try {
            if (!writing.isCancelled) {
                call.run();
            }
            return true;
        } catch (RuntimeException | OutOfMemoryError e) {
            fail(writing, failure(e));
            return false;
        }
    }
}
