create table t (id integer primary key, name text, value real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000)
  insert into t select i, printf('name %d', i * 7919 % 10007), i * 0.37 from n;
create index by_name on t (name);
select count(*), sum(value), max(name) from t where name like 'name 1%';
select a.name, count(*) c, avg(b.value) from t a join t b on a.name = b.name where a.id < 4000 group by a.name order by c desc, a.name limit 5;
update t set value = value + 1 where id % 3 = 0;
select round(sum(value), 3), group_concat(name) from (select * from t order by value desc limit 20);
